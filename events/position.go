package events

import "headcount/internal/position"

// Partition is the number of one of a topic's partitions, from 0 on. It prints and parses as decimal digits.
type Partition = position.Partition

// Offset is the place of a record in its partition. Where something stands is the offset of the record to read next; the offset of a
// batch is that of its first record.
type Offset = position.Offset

// ParsePartition reads a partition's digits, and nothing else.
func ParsePartition(s string) (Partition, error) { return position.ParsePartition(s) }
