package recount

import (
	"fmt"
	"strings"

	"headcount/events"
	"headcount/events/stream"
)

// ClosingBegunError says that a month is being sealed, or is.
type ClosingBegunError struct{ Month events.Month }

func (e *ClosingBegunError) Error() string {
	return fmt.Sprintf("the closing of %s has begun: a month that is being sealed, or is sealed, is not counted again", e.Month)
}

// NothingCountedError says that a month has no rules.
type NothingCountedError struct{ Month events.Month }

func (e *NothingCountedError) Error() string {
	return fmt.Sprintf("no event of %s was ever counted: nothing to count again", e.Month)
}

// BooksOpenError says that what holds for all months of a topic cannot change any more: a month's closing has begun.
type BooksOpenError struct {
	Fields []string     // that differ, each with both values
	Month  events.Month // whose closing has begun
}

func (e *BooksOpenError) Error() string {
	return fmt.Sprintf("%s: the closing of %s has begun, and where the books open is fixed since: set the configuration back", strings.Join(e.Fields, "; "), e.Month)
}

// ShortLogError says which partitions do not reach back to their first record any more.
type ShortLogError struct {
	Month  events.Month
	Starts []Start // by partition
}

// Start is the first offset that a partition has.
type Start struct {
	Partition events.Partition
	Offset    events.Offset
}

func (e *ShortLogError) Error() string {
	starts := make([]string, len(e.Starts))
	for i, s := range e.Starts {
		starts[i] = fmt.Sprintf("partition %d begins at offset %d", s.Partition, s.Offset)
	}
	return fmt.Sprintf("the log no longer reaches back to offset 0 (%s): %s cannot be counted again; its present counts stay", strings.Join(starts, ", "), e.Month)
}

// CutLogError says that a log does not hold any more what was counted of it.
type CutLogError struct {
	Month events.Month
	Err   *stream.TruncatedError
}

func (e *CutLogError) Error() string {
	return fmt.Sprintf("%v; %s counted again would not show what was lost, its present counts stay", e.Err, e.Month)
}

func (e *CutLogError) Unwrap() error { return e.Err }

// BeingReadError says that a member of the group reads a partition.
type BeingReadError struct {
	Group     string
	Partition events.Partition
	Owner     string
}

func (e *BeingReadError) Error() string {
	return fmt.Sprintf("partition %d is being read by %s of group %s, which counts by the former rules", e.Partition, e.Owner, e.Group)
}

// UnreachableError says what log or state store did not tell. To run the same again is safe.
type UnreachableError struct {
	What string
	Err  error
}

func (e *UnreachableError) Error() string { return e.What + ": " + e.Err.Error() }
func (e *UnreachableError) Unwrap() error { return e.Err }
