// Package position has the numbers that say where in the log something lies.
package position

import (
	"fmt"
	"strconv"
)

// Partition is the number of one of a topic's partitions, from 0 on. It prints and parses as decimal digits, and is a number in
// JSON. Where a message may go to any, −1 stands for that.
type Partition int32

// Offset is the place of a record in its partition: the first record has 0, each next one a higher one, not always the next number
// up, as of what is compacted or aborted nobody sees anything. The offset that a reader or a shard stands at is that of the record
// to read next (next), so that what was read lies below it; the offset of a batch is that of its first record (base), and of a
// stretch, half open, From is in it and To is not. Where a comment says so, −1 stands for none.
type Offset int64

func (p Partition) String() string { return strconv.FormatInt(int64(p), 10) }

// ParsePartition reads the form that String gives of partitions from 0 on, and nothing else.
func ParsePartition(s string) (Partition, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if p := Partition(n); err == nil && p >= 0 && p.String() == s {
		return p, nil
	}
	return 0, fmt.Errorf("partition %q: want a number from 0 on", s)
}
