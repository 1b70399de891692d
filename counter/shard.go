package counter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
)

// ErrRules says that the rulebook could not tell a month's rules: nothing is wrong with what was to be counted or absorbed.
var ErrRules = errors.New("rules")

// Identity names a partition of a topic, for ever.
type Identity struct {
	Cluster   string
	TopicID   string
	Partition events.Partition
}

// DeadLetter is a record that could not be counted.
type DeadLetter struct {
	Offset events.Offset
	Reason events.Reason
	App    string // empty where none could be read
}

// MaxAttributed is for how many apps a shard counts expired and rejected records apart, from seal to seal: ids in records that
// are no events are under nobody's control. Those of further apps count as unattributed.
const MaxAttributed = 250_000

// Shard is the state of one partition. It is a pure function of rules and log prefix, and of the losses of seals that are accepted
// (Chain). One goroutine owns it.
type Shard struct {
	id    Identity
	book  Rulebook
	keys  *identity.Keyring
	state State
	open  map[events.Month]*month // on time
	late  *month                  // of the sealed month; nil: nothing yet
	dead  []DeadLetter

	remarks *remarks // since the last seal; nil: as the state has them
	skewed  uint64   // for Glance

	// since the last cut
	dirty   []*window
	dropped []events.Month

	// while it is restored
	loose    []*window // not ready for counting
	ordinals []uint32  // scratch

	chain   Chain // nil: none
	decoder *decode.Decoder
	batch   *batch // while it counts
	active  [1 << activeBits]active
}

// month is the windows of one month, on time or late.
type month struct {
	rules   *events.MonthRules
	key     *identity.GUIDKey // that they name
	late    bool
	windows map[string]*window // by app
	devices int                // of all windows
}

// NewShard returns an empty shard.
func NewShard(id Identity, book Rulebook, keys *identity.Keyring) *Shard {
	return &Shard{
		id: id, book: book, keys: keys, decoder: decode.NewDecoder(book),
		state: State{Apps: map[string]Stretch{}}, open: map[events.Month]*month{},
	}
}

// State returns the small part of the shard; it does not change with it.
func (s *Shard) State() State {
	st := s.state
	st.Apps = maps.Clone(st.Apps)
	st.Gaps = slices.Clone(st.Gaps)
	st.Remarks = s.remarked()
	return st
}

// Months returns the open months that have windows, ascending.
func (s *Shard) Months() []events.Month { return slices.Sorted(maps.Keys(s.open)) }

// TakeDead returns the records rejected since the last call, in order.
func (s *Shard) TakeDead() []DeadLetter {
	dead := s.dead
	s.dead = nil
	return dead
}

// AcceptGap records that a stretch of the log was lost and that the operator accepts it.
func (s *Shard) AcceptGap(g Gap) { s.state.Gaps = append(s.state.Gaps, g) }

// find returns the window of an app in an unfinished month; nil where there is none.
func (s *Shard) find(m events.Month, app []byte) *window {
	if n := len(app); n < 4 || n > 16 {
		return s.lookUp(m, app)
	}
	first, last := appEnds(app)
	h := (first ^ bits.RotateLeft64(last, 29) ^ uint64(m)) * 0x9e3779b97f4a7c15
	a := &s.active[h>>(64-activeBits)]
	if a.first == first && a.last == last && a.length == len(app) && a.month == m {
		return a.window
	}
	w := s.lookUp(m, app)
	if w != nil {
		*a = active{first, last, len(app), m, w}
	}
	return w
}

// active is a window that had an event lately, found by its app's bytes without a map: of an app of 4 to 16 bytes.
type active struct {
	first, last uint64 // the first and the last bytes of the app, four or eight; they overlap
	length      int
	month       events.Month
	window      *window // nil: none
}

const activeBits = 6

// appEnds returns the first and the last four bytes of an app, of eight or more the first and the last eight.
func appEnds(app []byte) (first, last uint64) {
	if n := len(app); n >= 8 {
		return binary.LittleEndian.Uint64(app), binary.LittleEndian.Uint64(app[n-8:])
	}
	return uint64(binary.LittleEndian.Uint32(app)), uint64(binary.LittleEndian.Uint32(app[len(app)-4:]))
}

func (s *Shard) lookUp(m events.Month, app []byte) *window {
	in := s.open[m]
	if s.isLate(m) {
		in = s.late
	}
	if in == nil {
		return nil
	}
	return in.windows[string(app)]
}

// takesApp says whether the limits allow a further app.
func (in *month) takesApp() bool { return len(in.windows) < in.rules.Limits.AppsPerPartition }

// full says whether the month has as many devices as the limits allow.
func (in *month) full() bool {
	limit := in.rules.Limits.DevicesPerPartition
	return limit > 0 && in.devices >= limit
}

// takesDevice says whether the limits allow a further app with a device.
func (in *month) takesDevice() bool { return in.takesApp() && !in.full() }

// window returns the window of an app in an unfinished month, a new one where there is none and the month takes one (nil: in
// any case); nil where it does not.
func (s *Shard) window(m events.Month, app string, takes func(*month) bool) (*window, error) {
	in, err := s.month(m)
	if err != nil {
		return nil, err
	}
	w := in.windows[app]
	if w == nil {
		if takes != nil && !takes(in) {
			return nil, nil
		}
		w = newWindow(WindowID{Month: m, Late: in.late, App: app}, in)
		in.windows[app] = w
	}
	return w, nil
}

// month returns the windows of an unfinished month.
func (s *Shard) month(m events.Month) (*month, error) {
	late := s.isLate(m)
	if late && s.late != nil {
		return s.late, nil
	}
	if in := s.open[m]; in != nil && !late {
		return in, nil
	}
	rules, err := s.book.MonthRules(m)
	if err != nil {
		return nil, fmt.Errorf("%w of %s: %w", ErrRules, m, err)
	}
	key := s.keys.Find(rules.KeyID)
	if key == nil {
		return nil, fmt.Errorf("%w of %s: %w: they name key %s, the newest there is %s: put the missing line back from a backup", ErrRules, m, identity.ErrUnknownKey, rules.KeyID, s.keys.Newest().ID())
	}
	in := &month{rules: rules, key: key, late: late, windows: map[string]*window{}}
	if late {
		s.late = in
	} else {
		s.open[m] = in
	}
	return in, nil
}

// touch marks a window as one that the next cut must hold.
func (s *Shard) touch(w *window) {
	if !w.dirty {
		w.dirty = true
		s.dirty = append(s.dirty, w)
	}
}

// attribute adds to the stretch of an app, or to what is unattributed.
func (s *Shard) attribute(app []byte, add Stretch) {
	if len(app) == 0 {
		s.state.Unattributed = s.state.Unattributed.Plus(add)
		return
	}
	have, known := s.state.Apps[string(app)]
	if !known && len(s.state.Apps) >= MaxAttributed {
		s.state.Unattributed = s.state.Unattributed.Plus(add)
		return
	}
	s.state.Apps[string(app)] = have.Plus(add)
}

// Plus adds what another partition saw.
func (s Stretch) Plus(o Stretch) Stretch {
	return Stretch{
		Expired: s.Expired + o.Expired, Rejected: s.Rejected + o.Rejected, OverLimit: s.OverLimit + o.OverLimit,
		BeforeBooks: s.BeforeBooks + o.BeforeBooks,
	}
}

func (c Counters) plus(o Counters) Counters {
	return Counters{Events: c.Events + o.Events, Duplicates: c.Duplicates + o.Duplicates, Skewed: c.Skewed + o.Skewed}
}
