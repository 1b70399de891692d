package closed

import (
	"fmt"

	"headcount/events"
)

// NotClosedError says that the ledger has no result of a month.
type NotClosedError struct{ Month events.Month }

func (e *NotClosedError) Error() string { return fmt.Sprintf("month %s is not closed", e.Month) }

// ForeignSealError says that a partition's month was sealed by another closing than the ledger's.
type ForeignSealError struct {
	Month     events.Month
	Partition events.Partition
	Seal      string // id by which the partition is sealed
	Closing   string // id of the ledger's closing
}

func (e *ForeignSealError) Error() string {
	return fmt.Sprintf("partition %d is sealed by %s, but the ledger's closing of %s is %s: state store and ledger do not belong together; restore the ledger from its backup", e.Partition, e.Seal, e.Month, e.Closing)
}

// SealedMonthLostError says that a partition's sealed month is lost or damaged where no log can give it again.
type SealedMonthLostError struct {
	Partition events.Partition
	Month     events.Month
	Former    string // id of the topic that it was of, which is not there any more; empty: no log was asked
	Err       error
}

func (e *SealedMonthLostError) Error() string {
	if e.Former != "" {
		return fmt.Sprintf("partition %d of the former topic %s: %v: its log is gone; restore the state store from its backup", e.Partition, e.Former, e.Err)
	}
	return fmt.Sprintf("partition %d, sealed month %s: %v", e.Partition, e.Month, e.Err)
}

func (e *SealedMonthLostError) Unwrap() error { return e.Err }

// OlderLedgerError says that the log has the signed head of a ledger that knows more: this one is a backup from before it, or another.
type OlderLedgerError struct {
	Ledger    string // what messages call it
	Topic     string
	Partition events.Partition
	Offset    events.Offset
	Month     events.Month // that was closed or corrected, or of which a hold was lifted
	Head      string
}

func (e *OlderLedgerError) Error() string {
	return fmt.Sprintf("the ledger %s is older than the log, or another: a signed record of %s (topic %s, partition %d, offset %d) says that it had the head %s, and no entry of it has that hash: restore it from a backup made after that; what was billed since the present one is not in it",
		e.Ledger, e.Month, e.Topic, e.Partition, e.Offset, e.Head)
}

// NotAsBilledError says that a closed month's sealed facts are not those that were billed.
type NotAsBilledError struct {
	Month          events.Month
	App            string
	Digest, Billed string
}

func (e *NotAsBilledError) Error() string {
	return fmt.Sprintf("the sealed files of %s are not those that were billed: app %s has digest %s, the ledger %s", e.Month, e.App, e.Digest, e.Billed)
}

// UnreachableError says that ledger or log did not do what they were asked. Whether they did it all the same is not known: to run
// the same again is safe.
type UnreachableError struct {
	What  string // was asked of which; empty: Err says it
	Err   error
	Again bool // a close is under way, and is to be run again
}

func (e *UnreachableError) Error() string {
	text := e.Err.Error()
	if e.What != "" {
		text = e.What + ": " + text
	}
	if e.Again {
		text += "; run the close again"
	}
	return text
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// LedgerFailed is what the ledger failed with; nil: it did not.
func LedgerFailed(err error) error {
	if err == nil {
		return nil
	}
	return &UnreachableError{What: "ledger", Err: err}
}
