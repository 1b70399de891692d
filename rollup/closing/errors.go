package closing

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/events"
)

// NotOverError says that a month goes on.
type NotOverError struct {
	Month events.Month
	Ends  time.Time
	Zone  string // IANA name
}

func (e *NotOverError) Error() string {
	return fmt.Sprintf("month %s is not over: it ends at %s (%s)", e.Month, e.Ends.Format(time.RFC3339), e.Zone)
}

// GraceError says that a month is over, but that its grace goes on.
type GraceError struct {
	Month events.Month
	Until time.Time
	Grace time.Duration
}

func (e *GraceError) Error() string {
	return fmt.Sprintf("month %s can be closed from %s on: billing.grace of %s has not passed since it ended", e.Month, e.Until.Format(time.RFC3339), e.Grace)
}

// NotClosedBeforeError says that an earlier month must be closed first.
type NotClosedBeforeError struct {
	Month  events.Month // that was to be closed
	Before events.Month // the first that is not
}

func (e *NotClosedBeforeError) Error() string {
	return fmt.Sprintf("month %s is not closed: close it first", e.Before)
}

// BooksOpenedLaterError says that a month was never closed, and later ones were.
type BooksOpenedLaterError struct{ Month, Last events.Month }

func (e *BooksOpenedLaterError) Error() string {
	return fmt.Sprintf("month %s lies before the last closed one, %s, and was never closed itself: the books opened later; it cannot be billed", e.Month, e.Last)
}

// NotClosedError says that the ledger has no result of a month.
type NotClosedError struct{ Month events.Month }

func (e *NotClosedError) Error() string { return fmt.Sprintf("month %s is not closed", e.Month) }

// ForeignLedgerError says that what the state store has sealed is not by the ledger's closings.
type ForeignLedgerError struct {
	Month events.Month
	What  string
}

func (e *ForeignLedgerError) Error() string { return e.What }

// ForeignTopicError says that a closing was begun on another topic than the one that was reached.
type ForeignTopicError struct {
	Month     events.Month
	MadeAgain bool // the topic was deleted and made again since; false: it is on another cluster
	What      string
}

func (e *ForeignTopicError) Error() string { return e.What }

// RulesChangedError says that a month's rules are not those that its closing was begun under.
type RulesChangedError struct {
	Month      events.Month
	Begun, Now string // hashes
	State      string // what messages call the state store
}

func (e *RulesChangedError) Error() string {
	return fmt.Sprintf("the closing of %s was begun under rules %s, but those of the month in %s hash to %s: no partition would follow its seal; restore the rules as they were written", e.Month, e.Begun, e.State, e.Now)
}

// NotFollowedError says that a partition was counted past the month's seal, and did not follow it.
type NotFollowedError struct {
	Topic     string
	Partition events.Partition
	Month     events.Month
	At        events.Offset // offset up to which it is counted
	Sealed    events.Month  // the newest month sealed there; 0: none
	Previous  events.Month  // that the closing follows; 0: none

	// Lost says that the seal before was followed once and is lost now: counting goes on without it where the loss is accepted.
	Lost bool
}

func (e *NotFollowedError) Error() string {
	sealed, previous := "none", "none"
	if e.Sealed != 0 {
		sealed = e.Sealed.String()
	}
	if e.Previous != 0 {
		previous = e.Previous.String()
	}
	text := fmt.Sprintf("partition %d is counted up to offset %d, past the seal of %s, but did not follow it: the newest month sealed there is %s, and the closing follows %s", e.Partition, e.At, e.Month, sealed, previous)
	if e.Lost {
		return text + ", whose seal was followed once, since its sealed month is there, and is lost now: the log was cut before it, or the state is older"
	}
	return fmt.Sprintf("%s; restore the state store of %s from its backup, or have the partition counted again (move its folder away) where the log reaches back to offset 0", text, e.Topic)
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

// LogGoneError says that a month's topic was deleted while it was closed.
type LogGoneError struct {
	Month events.Month
	Err   error
}

func (e *LogGoneError) Error() string {
	return fmt.Sprintf("%s was sealed, but its log is gone: %v", e.Month, e.Err)
}
func (e *LogGoneError) Unwrap() error { return e.Err }

// NotAsBilledError says that a closed month's sealed facts are not those that were billed.
type NotAsBilledError struct {
	Month          events.Month
	App            string
	Digest, Billed string
}

func (e *NotAsBilledError) Error() string {
	return fmt.Sprintf("the sealed files of %s are not those that were billed: app %s has digest %s, the ledger %s", e.Month, e.App, e.Digest, e.Billed)
}

// TimedOutError says for what a close did not wait any longer.
type TimedOutError struct {
	Month      events.Month
	Waited     time.Duration
	Partitions []events.Partition // that are not sealed
	Why        string
}

func (e *TimedOutError) Error() string {
	return fmt.Sprintf("waited %s for partitions %s of %s to be sealed (%s)", e.Waited, list(e.Partitions), e.Month, e.Why)
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

// ErrSame says that a correction changes nothing that a month is priced by.
var ErrSame = errors.New("accounts and books are what the month is priced by already")

// ledgerFailed is what the ledger failed with; nil: it did not.
func ledgerFailed(err error) error {
	if err == nil {
		return nil
	}
	return &UnreachableError{What: "ledger", Err: err}
}

// list names the first of many partitions.
func list(partitions []events.Partition) string {
	const shown = 8
	var b strings.Builder
	for i, p := range partitions {
		if i == shown {
			fmt.Fprintf(&b, " … (%d)", len(partitions))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, p)
	}
	return b.String()
}
