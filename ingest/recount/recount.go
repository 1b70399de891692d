// Package recount has a month that no partition has sealed counted again from the log, under today's rules: the way out where a month
// was begun under wrong ones.
//
// A further revision of the month's rules is the record of it, and the commit point: checkpoints that were counted under the former one are
// void, so whoever counts next begins at the log's start. Begin refuses where that would count less than what is counted now. What it
// refuses is untouched.
//
// Where the books open and how far back events reach are no month's, but the topic's: where they are to change, the topic's rules get the
// further revision, and every month is counted again. That goes as long as no closing has begun.
//
//	recount.go  Begin, in its order
//	whole.go    whether the log still has all that was counted
//	letters.go  the dead letters that were written before
//	errors.go   what is refused
package recount

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// Month is what is to be counted again, and of what. All fields are required but where said.
type Month struct {
	Month  events.Month
	Log    Log
	Topic  *stream.Topic
	State  *checkpoint.Topic
	Policy worker.Policy
	Group  string // that reads the topic; empty: none

	// Patience is how long a member that was killed may stay in the group: so long a reader is waited for to be gone; 0: it is refused at once.
	Patience time.Duration
	Waits    func(who *BeingReadError) // is told once that it is waited for; nil: nobody is

	// Begun returns the months whose closing has begun.
	Begun func(ctx context.Context) ([]events.Month, error)
}

// Again is what is counted again.
type Again struct {
	Rules string // hash of the new revision: of the month's rules, or the topic's
	All   bool   // every month: the topic's rules have changed
}

// Log tells what the topic holds, and who reads it: a *stream.Log's methods, which say what they promise.
type Log interface {
	Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error)
	Owners(ctx context.Context) (map[events.Partition]string, error)
	Verify(ctx context.Context, partition events.Partition, at stream.Position) error
}

// Begin gives the month a further revision of its rules, or the topic where the policy's template differs there in what a recount
// changes. Nobody may count meanwhile.
//
// It refuses a month whose closing has begun with a *ClosingBegunError, one that has no events with a *NothingCountedError, and keys that
// are missing as worker.CheckKeys does; other topic rules once a closing has begun with a *BooksOpenError; a log that lacks what was counted
// with a *ShortLogError or a *CutLogError; a topic that a group reads with a *BeingReadError. A *UnreachableError says what can be tried
// again; else the state store fails, or has the month sealed, or Begun failed.
func (m *Month) Begin(ctx context.Context) (*Again, error) {
	begun, err := m.Begun(ctx)
	if err != nil {
		return nil, err
	}
	if slices.Contains(begun, m.Month) {
		return nil, &ClosingBegunError{m.Month}
	}
	err = worker.CheckKeys(ctx, m.State, m.Policy)
	differ, all := errors.AsType[*checkpoint.RulesDifferError](err)
	all = all && differ.Bounds
	if all && len(begun) > 0 {
		return nil, &BooksOpenError{differ.Fields, slices.Max(begun)}
	}
	if err != nil && !all {
		return nil, err
	}
	if err := m.wholeLog(ctx); err != nil {
		return nil, err
	}
	if err := m.nobodyReads(ctx); err != nil {
		return nil, err
	}
	if all {
		rules, err := m.State.RecountAll(ctx, m.Policy.Template)
		if err != nil {
			return nil, err
		}
		return &Again{Rules: rules.Hash(), All: true}, nil
	}
	rules, err := m.State.Recount(ctx, m.Month, m.Policy.Template)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return nil, &NothingCountedError{m.Month}
	}
	if err != nil {
		return nil, err
	}
	return &Again{Rules: rules.Hash()}, nil
}

// nobodyReads refuses where a member of the group reads a partition: it counts by the former rules. One that was killed is a member still
// until its session has run out.
func (m *Month) nobodyReads(ctx context.Context) error {
	for began := time.Now(); ; {
		err := m.reads(ctx)
		who, read := errors.AsType[*BeingReadError](err)
		if !read || time.Since(began) >= m.Patience {
			return err
		}
		if m.Waits != nil {
			m.Waits(who)
			m.Waits = nil
		}
		select {
		case <-time.After(min(m.Patience, 100*time.Millisecond)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (m *Month) reads(ctx context.Context) error {
	if m.Group == "" {
		return nil
	}
	owners, err := m.Log.Owners(ctx)
	if err != nil {
		return &UnreachableError{"group " + m.Group, err}
	}
	for _, p := range slices.Sorted(maps.Keys(owners)) {
		return &BeingReadError{Group: m.Group, Partition: p, Owner: owners[p]}
	}
	return nil
}
