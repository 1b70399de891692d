package counter

import (
	"headcount/events"
	"headcount/events/identity"
)

// This file names what passes between a shard and what stores it: plain content, no encodings.

// Counters count the events of one app and month in one partition.
type Counters struct {
	Events     uint64 // accepted
	Duplicates uint64 // of those, whose device had already done that kind on that day
	Skewed     uint64 // of those, with a wrong device clock
}

// Stretch counts what belongs to no month's facts, by where it lies in the log: what a partition saw since its last seal.
// Kept per app, and once for records whose app cannot be read.
type Stretch struct {
	Expired   uint64 // events of a finished month
	Rejected  uint64 // dead letters
	OverLimit uint64 // of those, found no room within a limit, or too large to tell whose: holds the close

	BeforeBooks uint64 // events of months before the books
}

// WindowID names a window within a shard.
type WindowID struct {
	Month events.Month
	Late  bool // holds what came after the month's seal
	App   string
}

// Fact is one device (or user) doing one kind on one day.
type Fact struct {
	Ordinal uint32 // into the window's dictionary
	Day     events.Day
	Kind    events.Kind
}

// Register is a sketch register that rose.
type Register struct {
	Kind  events.Kind
	Index uint16 // 2^p registers, p ≤ 16
	Value uint8
}

// Total is the standing of one source of a reported quantity: the highest revision, then the highest value.
type Total struct {
	events.Quantity
}

// WindowDelta is what a window learned since the last cut. One that Cut made may hold more than its fields show: Delta.Parts
// reads all of it.
type WindowDelta struct {
	WindowID
	First        uint32 // ordinal of Fingerprints[0]
	Fingerprints []identity.Fingerprint
	Facts        []Fact     // new ones; a repeat does no harm
	Registers    []Register // those that rose; a repeat or a lower value does no harm
	Counters     Counters   // as they stand
	Totals       []Total    // those that changed, as they stand

	fresh *fresh
}

// Position is where a shard stands in the log.
type Position struct {
	Next        events.Offset // offset of the next record to read
	BatchOffset events.Offset // base offset of the last batch read; −1: none
	BatchCRC    uint32        // its CRC as in the log
	LeaderEpoch int32         // −1: unknown
}

// State is the small part of a shard, stored whole with every checkpoint.
type State struct {
	Sealed        events.Month // newest month sealed here; 0: none
	SealHash      string       // of that seal, SHA-256 of its signed bytes
	Records       uint64       // all records read, of whatever outcome
	Tombstones    uint64
	Unknown       uint64             // of unknown types
	InvalidSeals  uint64             // control records that were not valid
	Unattributed  Stretch            // since the last seal, without an app
	Apps          map[string]Stretch // since the last seal, by app; only those not zero
	TotalRejected uint64             // dead letters since the log's start
	Gaps          []Gap              // accepted losses of log
	Remarks       []Remark           // since the last seal, sorted
	RemarkedFrom  events.Offset      // what lies before was counted by a release that made no remarks; 0: nothing of the stretch
}

// Gap is a stretch of the log that was lost and accepted by the operator.
type Gap struct {
	From, To events.Offset // offsets, half open
	Reason   string
}

// Delta is what a shard learned since its last cut. Applied in order to an empty shard, a shard's deltas make the same shard
// again.
type Delta struct {
	Partition events.Partition
	Position  Position
	State     State
	Windows   []WindowDelta  // sorted by month, on time before late, app
	Dropped   []events.Month // months whose on-time windows left the shard since the last cut: sealed, or finished (then late windows too)
}

// Row is one device of one app in one month: its facts, unfolded.
type Row struct {
	Fingerprint identity.Fingerprint
	Kinds       events.KindSet
	Days        [events.MaxKinds]uint32 // by kind: bit d for day d (1–31); zero for kinds not in Kinds
}

// AppHeader is what a sealed month holds of one app besides its rows.
type AppHeader struct {
	App       string
	Devices   uint64 // rows that follow
	Counters  Counters
	Stretch   Stretch
	Registers [events.MaxKinds][]uint8 // raw, 2^p each; nil: no event of that kind
	Salt      identity.Salt            // by which they were made; zeros where there are none
	Totals    []Total                  // sorted by meter, source, day
}

// RowReader reads the facts of one month in one partition, sorted by app and fingerprint. Not for concurrent use.
//
// NextApp moves to the next app, whatever is unread of the one before, and returns io.EOF after the last. The header is valid
// until the next call. Rows fills buf with the app's next rows and returns how many; 0 at the app's end.
type RowReader interface {
	NextApp() (*AppHeader, error)
	Rows(buf []Row) (int, error)
}

// Sealed is one month of one partition, final: what a shard hands out at a seal (or, with an empty seal, at any time, for a
// look at an open month).
type Sealed struct {
	Partition    events.Partition
	Month        events.Month
	Offset       events.Offset // of the seal
	SealHash     string
	SealID       string
	RulesHash    string // of the month
	KeyID        string
	Precision    int
	Unattributed Stretch
	Remarks      []Remark         // of the stretch that ends here, sorted
	RemarkedFrom events.Offset    // as State has it
	Open         []events.Month   // that come after it and have windows already, sorted
	OnTime       func() RowReader // month's facts; each call reads from the start
	Late         func() RowReader // facts of Month−1 that lie after its seal; Stretch is zero in its headers
}
