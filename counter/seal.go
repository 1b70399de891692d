package counter

import (
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headcount/events"
	"headcount/events/signed"
)

// control takes a record of ours: a seal, or something for others to read.
func (s *Shard) control(r *events.Record, e *events.Event) (*Sealed, error) {
	if string(e.Type) != signed.SealType {
		return nil, nil
	}
	seal, rules, err := s.valid(r)
	if err != nil {
		return nil, err
	}
	switch {
	case seal == nil:
		s.state.InvalidSeals++
		return nil, nil
	case seal.Month == s.state.Sealed:
		return nil, nil // a repeat
	}
	return s.seal(r.Offset, seal, rules), nil
}

// valid returns the seal in a record, and the rules of its month; nil where it is none that this partition may follow. Whoever may
// produce records can write all of it but the signature: until that is checked nothing is done for it. No rules are fixed, and the state
// store is not asked what it has sealed.
func (s *Shard) valid(r *events.Record) (*signed.Seal, *events.MonthRules, error) {
	seal, signature, err := signed.ParseSeal(r.Value)
	if err != nil || seal.Cluster != s.id.Cluster || seal.TopicID != s.id.TopicID || seal.Partition != s.id.Partition ||
		seal.Month < s.state.Sealed {
		return nil, nil, nil
	}
	missed := seal.Month > s.state.Sealed && !s.follows(seal)
	if missed && !s.mayHaveMissed(seal) {
		return nil, nil, nil
	}
	if genuine, err := s.genuine(seal, signature); !genuine || err != nil {
		return nil, nil, err
	}
	if missed {
		if sealed, err := s.chain.Sealed(seal.Previous.Month); !sealed || err != nil {
			return nil, nil, err
		}
	}
	rules, err := s.book.MonthRules(seal.Month)
	if err != nil {
		return nil, nil, fmt.Errorf("rules of %s: %w", seal.Month, err)
	}
	if rules.Hash() != seal.RulesHash { // another process has fixed others just now
		return nil, nil, nil
	}
	if missed {
		if err := s.chain.Accept(seal, r.Offset); err != nil {
			return nil, nil, err
		}
	}
	return seal, rules, nil
}

// genuine says whether a seal names the rules of its month, and is signed with the key in them.
func (s *Shard) genuine(seal *signed.Seal, signature *signed.Signature) (bool, error) {
	signedBy := func(key ed25519.PublicKey) bool { return signature.Verify(key) == nil }
	rules, err := s.book.SealRules(seal.Month, signedBy)
	if err != nil {
		return false, fmt.Errorf("rules of %s: %w", seal.Month, err)
	}
	if rules == nil || rules.Hash() != seal.RulesHash {
		return false, nil
	}
	key, err := rules.PublicKey()
	return err == nil && signedBy(key), err
}

// Rulebook holds a topic's rules.
//
// SealRules returns the rules by which a seal of m is checked, and fixes none: those that are fixed; where nobody has fixed any, those
// that MonthRules would fix, but for a seal that is signed with their key; nil: such a seal is not valid. signed says whether the seal
// is signed with a key.
//
// A close fixes a month's rules before it seals, but its seal may be all that a partition has of the month, and the rules may be lost
// with the state that is counted again.
type Rulebook interface {
	events.Rulebook
	SealRules(m events.Month, signed func(key ed25519.PublicKey) bool) (*events.MonthRules, error)
}

// Chain knows of seals that the log has lost, and of what was sealed by them. What it affirms it affirms always. It is asked of
// seals that are signed.
type Chain interface {
	// Sealed says whether the partition was sealed for a month.
	Sealed(m events.Month) (bool, error)
	// Accept returns nil where a valid seal, at an offset, comes next although the log has lost the one that it follows.
	Accept(seal *signed.Seal, offset events.Offset) error
}

// SetChain has a shard ask for what a seal follows where the log does not tell. Without, such a seal is not valid.
func (s *Shard) SetChain(c Chain) { s.chain = c }

// mayHaveMissed says whether a seal says that it follows one of a later month than is sealed here: the log may have lost that.
func (s *Shard) mayHaveMissed(seal *signed.Seal) bool {
	return s.chain != nil && seal.Previous != nil && seal.Previous.Month > s.state.Sealed
}

// follows says whether a seal of a later month comes next here: the books are opened by it, or the closing before it was
// followed here or did not list this partition.
func (s *Shard) follows(seal *signed.Seal) bool {
	p := seal.Previous
	if p == nil {
		return s.state.Sealed == 0
	}
	return p.Month < seal.Month && (s.state.Sealed == p.Month || !p.Has(s.id.Partition))
}

// seal closes a month: its windows, and the late ones of the closing before, leave the shard. Where that closing did not list
// this partition, all of its month is late; so it is where its seal was lost, and what it sealed is united with that when the
// late usage is settled. What is older is finished.
func (s *Shard) seal(offset events.Offset, seal *signed.Seal, rules *events.MonthRules) *Sealed {
	var late *month
	if p := seal.Previous; p != nil {
		if s.state.Sealed == p.Month {
			late = s.late
		} else {
			late = s.open[p.Month]
		}
	}
	if p := seal.Previous; p == nil {
		s.remarkDropped(seal.Month-1, Unopened)
	} else {
		s.remarkDropped(p.Month-1, Finished)
	}
	z := &Sealed{
		Partition: s.id.Partition, Month: seal.Month, Offset: offset, SealHash: seal.Hash(), SealID: seal.SealID,
		RulesHash: seal.RulesHash, KeyID: rules.KeyID, Precision: rules.Precision, Unattributed: s.state.Unattributed,
		Remarks: s.remarked(), RemarkedFrom: s.state.RemarkedFrom,
		OnTime: readOnTime(s.open[seal.Month], s.state.Apps), Late: readLate(late),
	}
	if s.state.Sealed != 0 {
		s.dropped = append(s.dropped, s.state.Sealed) // its late windows
	}
	s.state.Sealed, s.state.SealHash = seal.Month, z.SealHash
	s.state.Unattributed, s.state.Apps = Stretch{}, map[string]Stretch{}
	s.remarks, s.state.Remarks, s.state.RemarkedFrom = nil, nil, 0
	s.late = nil
	s.drop()
	z.Open = s.begun()
	s.decoder.SetFloor(seal.Month)
	return z
}

// begun returns the months that have windows, sorted.
func (s *Shard) begun() []events.Month {
	return slices.DeleteFunc(s.Months(), func(m events.Month) bool { return len(s.open[m].windows) == 0 })
}

// drop lets go of the on-time windows of months that are sealed or finished.
func (s *Shard) drop() {
	for _, m := range s.Months() {
		if m <= s.state.Sealed {
			delete(s.open, m)
			s.dropped = append(s.dropped, m)
		}
	}
	s.dirty = slices.DeleteFunc(s.dirty, func(w *window) bool {
		return w.Month < s.state.Sealed || w.Month == s.state.Sealed && !w.Late
	})
	clear(s.active[:])
	s.batch.forget()
}

// Snapshot returns a month as it stands, without a seal: an open month with its facts so far, and, where the month before it is
// the sealed one, that month's late facts; of the sealed month the late facts alone. What expired or was rejected since the last
// seal stands with every open month. The readers see the shard as it is when they read: they end with the next Count or Absorb.
func (s *Shard) Snapshot(m events.Month) *Sealed {
	z := &Sealed{Partition: s.id.Partition, Month: m, Offset: -1}
	in := s.open[m]
	if s.isLate(m) {
		in = s.late
	}
	if in != nil {
		z.RulesHash, z.KeyID, z.Precision = in.rules.Hash(), in.rules.KeyID, in.rules.Precision
	}
	var late *month
	if s.state.Sealed != 0 && (m == s.state.Sealed || m == s.state.Sealed+1) {
		late = s.late
	}
	z.Late = readLate(late)
	if m > s.state.Sealed {
		z.Unattributed = s.state.Unattributed
		z.Remarks, z.RemarkedFrom = s.remarked(), s.state.RemarkedFrom
		z.OnTime = readOnTime(s.open[m], s.state.Apps)
	} else {
		z.OnTime = readOnTime(nil, nil)
	}
	return z
}

// readOnTime returns what reads a month's windows, and the apps that have only a stretch.
func readOnTime(in *month, stretches map[string]Stretch) func() RowReader {
	var apps []appWindow
	if in != nil {
		for app, w := range in.windows {
			apps = append(apps, appWindow{app: app, window: w, stretch: stretches[app]})
		}
	}
	for app, stretch := range stretches {
		if in == nil || in.windows[app] == nil {
			apps = append(apps, appWindow{app: app, stretch: stretch})
		}
	}
	return reader(apps)
}

func readLate(in *month) func() RowReader {
	if in == nil {
		return reader(nil)
	}
	var apps []appWindow
	for _, app := range slices.Collect(maps.Keys(in.windows)) {
		apps = append(apps, appWindow{app: app, window: in.windows[app], late: true})
	}
	return reader(apps)
}

func reader(apps []appWindow) func() RowReader {
	for _, a := range apps {
		if a.window != nil && a.window.large != nil {
			a.window.large.mergeWaiting() // here, because what reads may be many
		}
	}
	slices.SortFunc(apps, func(a, b appWindow) int { return strings.Compare(a.app, b.app) })
	return func() RowReader { return &windowReader{apps: apps} }
}
