package stream

import (
	"errors"
	"fmt"
	"time"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// GapError says that records which were not read are gone: the log begins after the offset that is wanted.
type GapError struct {
	Topic      string
	Partition  events.Partition
	Want       events.Offset // next offset to read
	Start, End events.Offset // what the log holds, half open
	Until      time.Time     // of the first record that is still there; zero: not known
}

func (e *GapError) Lost() {}
func (e *GapError) Error() string {
	until := ""
	if !e.Until.IsZero() {
		until = ", the first record of which is of " + e.Until.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s: offsets %d–%d were deleted before they were read (the log holds %d–%d%s; retention?): "+
		"the count would miss them; restore them, or accept the loss, which is recorded and holds invoices",
		wire.PartitionName(e.Topic, e.Partition), e.Want, e.Start-1, e.Start, e.End, until)
}

// TruncatedError says that the log no longer holds what was read from it: it ends before, or holds something else there.
type TruncatedError struct {
	Topic      string
	Partition  events.Partition
	Want       events.Offset // next offset to read
	Start, End events.Offset
	Detail     string        // what differs
	From       events.Offset // first offset that is known to be gone or replaced; the loss may begin before
	Since      time.Time     // of the last record before From; zero: not known
}

func (e *TruncatedError) Lost() {}
func (e *TruncatedError) Error() string {
	since := ""
	if !e.Since.IsZero() {
		since = ", written after " + e.Since.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s: %s (the log holds %d–%d): what was read from offset %d to %d%s, is gone: the log was truncated or "+
		"replaced after it was counted (unclean leader election, restored backup?): restore the log, throw the state away to count again, or "+
		"accept the loss, which is recorded and holds invoices",
		wire.PartitionName(e.Topic, e.Partition), e.Detail, e.Start, e.End, e.From, e.Want-1, since)
}

// RecreatedError says that the topic was deleted and made again under its name.
type RecreatedError struct {
	Topic    string
	Was, Now string // topic ids
}

func (e *RecreatedError) Lost() {}
func (e *RecreatedError) Error() string {
	return fmt.Sprintf("topic %s: made again while it was read (topic id was %s, is %s): the records not yet read of the old one are "+
		"lost; restart to count the new topic, and accept that loss where the old one has an unsealed month", e.Topic, e.Was, e.Now)
}

// CorruptError says that a batch cannot be read: it fails its checksum, or its content makes no sense.
type CorruptError struct {
	Topic     string
	Partition events.Partition
	Offset    events.Offset // base offset of the batch
	Err       error
}

func (e *CorruptError) Lost()         {}
func (e *CorruptError) Unwrap() error { return e.Err }
func (e *CorruptError) Error() string {
	remedy := "have the broker's copy repaired from a replica"
	if r, ok := errors.AsType[*batch.UnreadableError](e.Err); ok {
		remedy = r.Remedy
	}
	return fmt.Sprintf("%s: batch at offset %d: %v: nothing after it can be counted; %s", wire.PartitionName(e.Topic, e.Partition), e.Offset, e.Err, remedy)
}
