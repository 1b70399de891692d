package closing

import (
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
	return fmt.Sprintf("month %s can be closed from %s on: its grace of %s has not passed since it ended", e.Month, e.Until.Format(time.RFC3339), e.Grace)
}

// GoesOnError says that a month is over by the host's clock, and goes on by the log.
type GoesOnError struct {
	Month       events.Month
	Ends        time.Time
	Newest      time.Time // that a record bears
	Now         time.Time // by the host's clock
	BrokersTime bool      // the brokers' clock says so; else that of those who produce records now
}

func (e *GoesOnError) Error() string {
	who := "records that come in now bear times of before, " + e.Newest.UTC().Format(time.RFC3339) + " the newest"
	if e.BrokersTime {
		who = "the newest record was taken by the brokers at " + e.Newest.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("month %s ends at %s, and by this host's clock it is %s; but by the log it is not over: %s; set the clock right, or wait for records of after the month's end",
		e.Month, e.Ends.Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339), who)
}

// NoEventsError says that a month that nobody named has no event.
type NoEventsError struct{ Month events.Month }

func (e *NoEventsError) Error() string {
	return fmt.Sprintf("month %s has no event: see that the clock of this host is right, and that events come in; what is closed takes no more of them", e.Month)
}

// SeveralDueError says that more than one month is over and not closed, by the host's clock.
type SeveralDueError struct {
	Months []events.Month // oldest first
	Now    time.Time
}

func (e *SeveralDueError) Error() string {
	return fmt.Sprintf("%d months are to be closed, %s to %s, since it is %s by this host's clock: see that it is right", len(e.Months), e.Months[0], e.Months[len(e.Months)-1], e.Now.UTC().Format(time.RFC3339))
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

// BeforeBooksError says that a month lies before the one with which the books open.
type BeforeBooksError struct{ Month, From events.Month }

func (e *BeforeBooksError) Error() string {
	return fmt.Sprintf("month %s lies before the books, which open with %s: its events are counted as such, and never billed", e.Month, e.From)
}

// UnopenedError says that no month is closed yet, that nothing says with which one the books open, and which months have events.
type UnopenedError struct {
	Month  events.Month  // that was to be closed; 0: all that are due
	Events []MonthEvents // of older months, oldest first; of all that are over where Month is 0
}

func (e *UnopenedError) Error() string {
	months := make([]string, len(e.Events))
	for i, m := range e.Events {
		months[i] = fmt.Sprintf("%s has %d events", m.Month, m.Events)
	}
	if e.Month != 0 {
		return fmt.Sprintf("no month is closed yet, and to close %s opens the books with it: what is older is never billed, but %s", e.Month, some(months))
	}
	if len(months) == 0 {
		months = []string{"no month that is over has events"}
	}
	return "no month is closed yet, and nothing says with which one the books open: " + some(months)
}

// ForeignLedgerError says that the state store has a month sealed that the ledger knows no closing of.
type ForeignLedgerError struct {
	Month         events.Month
	State, Ledger string // what messages call them
}

func (e *ForeignLedgerError) Error() string {
	return fmt.Sprintf("the state store %s has month %s sealed, but the ledger %s knows no closing of it: it is not the ledger that this state belongs to; restore that one from its backup", e.State, e.Month, e.Ledger)
}

// ForeignTopicError says that a closing was begun on another topic than the one that was reached: in another cluster, or one that was
// made again since.
type ForeignTopicError struct {
	Month          events.Month
	Topic          string // name
	Begun, Reached TopicIdentity
	Sealed         []SealedAt // partitions of the former topic, where it was made again
}

// TopicIdentity tells topics of one name apart.
type TopicIdentity struct{ Cluster, TopicID string }

// SealedAt says where a partition was sealed, beside where the log ends.
type SealedAt struct {
	Partition   events.Partition
	Offset, End events.Offset
}

// MadeAgain says whether the topic was deleted and made again since the closing was begun.
func (e *ForeignTopicError) MadeAgain() bool { return e.Begun.Cluster == e.Reached.Cluster }

func (e *ForeignTopicError) Error() string {
	if !e.MadeAgain() {
		return fmt.Sprintf("the closing of %s was begun on topic id %s of cluster %s, but the configuration leads to %s of %s: go back to the former cluster",
			e.Month, e.Begun.TopicID, e.Begun.Cluster, e.Reached.TopicID, e.Reached.Cluster)
	}
	var was []string
	for _, s := range e.Sealed {
		was = append(was, fmt.Sprintf("partition %d was sealed at offset %d, the topic ends at offset %d there now", s.Partition, s.Offset, s.End))
	}
	return fmt.Sprintf("topic %s was deleted and made again since the closing of %s was begun: its topic id was %s and is %s (%s): the month cannot be closed from it; restore the brokers' data from a backup, or go to a cluster that has the former topic",
		e.Topic, e.Month, e.Begun.TopicID, e.Reached.TopicID, some(was))
}

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

// LogGoneError says that a month's topic was deleted while it was closed.
type LogGoneError struct {
	Month events.Month
	Err   error
}

func (e *LogGoneError) Error() string {
	return fmt.Sprintf("%s was sealed, but its log is gone: %v", e.Month, e.Err)
}
func (e *LogGoneError) Unwrap() error { return e.Err }

// TimedOutError says for what a close did not wait any longer.
type TimedOutError struct {
	Month      events.Month
	Waited     time.Duration
	Partitions []events.Partition // that are not sealed
	For        string             // what it waited for instead; empty: for them
	Why        string
}

func (e *TimedOutError) Error() string {
	if e.For != "" {
		return fmt.Sprintf("waited %s to %s for %s (%s)", e.Waited, e.For, e.Month, e.Why)
	}
	return fmt.Sprintf("waited %s for partitions %s of %s to be sealed (%s)", e.Waited, list(e.Partitions), e.Month, e.Why)
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

// some are the first of many.
func some(all []string) string {
	const shown = 8
	if n := len(all) - shown; n > 0 {
		return fmt.Sprintf("%s … and %d more", strings.Join(all[:shown], "; "), n)
	}
	return strings.Join(all, "; ")
}
