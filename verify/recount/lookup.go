package recount

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"headcount/verify/report"
)

// Did is what a device, or a user of that id, did in one partition.
type Did struct {
	Partition int32    `json:"partition"`
	Kind      string   `json:"kind"`
	User      bool     `json:"user,omitempty"` // a user of that id, not a device
	Days      []string `json:"days"`
}

// FirstRecord is the first record in the log that counted.
type FirstRecord struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Time      string `json:"time"` // the record's timestamp
	Late      bool   `json:"late,omitempty"`
}

// Found is what the sealed files have of an id.
type Found struct {
	Did   []Did
	Kinds uint16          // that it did, as a set by the rules
	Seals map[int32]int64 // offset of the seal by partition
}

// CanLookUp says whether the month's GUID key is there.
func (s *Subject) CanLookUp() bool { return s.Rules.guid != nil }

// LookUp looks an id up, in any spelling, in the sealed files: in what they have of the month, or of what came late of the month before.
func LookUp(ctx context.Context, s *Subject, app, id string, late bool, r *report.Report) (Found, error) {
	found := Found{Seals: map[int32]int64{}}
	rules := s.Rules
	if late {
		rules = s.FormerRules
	}
	if rules == nil || rules.guid == nil {
		return found, nil
	}
	files := OpenSealed(ctx, s, r)
	defer files.Close()
	for _, partition := range slices.Sorted(maps.Keys(files)) {
		f := files[partition]
		found.Seals[partition] = f.Offset
		if err := found.lookInto(f, partition, rules, app, id, sectionOf(late)); err != nil {
			return found, fmt.Errorf("%s: %w", f.data, err)
		}
	}
	return found, nil
}

// lookInto looks into one sealed file.
func (found *Found) lookInto(f *SealedFile, partition int32, rules *Rules, app, id string, section byte) error {
	device, user := rules.guid.fingerprint(app, id, false), rules.guid.fingerprint(app, id, true)
	for {
		a, err := f.r.nextApp()
		if err != nil || a == nil || a.section > section {
			return err
		}
		if a.section != section || a.app != app {
			continue
		}
		for {
			w, err := f.r.nextRow()
			if err != nil {
				return err
			}
			if w == nil {
				break
			}
			if w.who == device || w.who == user {
				found.add(w, partition, rules, w.who == user)
			}
		}
	}
}

func (found *Found) add(w *row, partition int32, rules *Rules, user bool) {
	for k, days := range w.days {
		if days == 0 || k >= len(rules.Kinds) {
			continue
		}
		d := Did{Partition: partition, Kind: rules.Kinds[k], User: user}
		each(days, func(day int) { d.Days = append(d.Days, fmt.Sprintf("%s-%02d", rules.Month, day)) })
		found.Did = append(found.Did, d)
		found.Kinds |= 1 << k
	}
}

// Find reads the log for the first record of an id that counted, by its timestamp: on time, else late, which the log has behind the month's
// seals, up to those of the month that closed next. nil: there is none.
func Find(ctx context.Context, s *Subject, app, id string, r *report.Report) (*FirstRecord, error) {
	device, user := s.Rules.guid.fingerprint(app, id, false), s.Rules.guid.fingerprint(app, id, true)
	var first *FirstRecord
	stamp := int64(0)
	look := func(x fact, rec *reading, offset int64) error {
		if x.group != ofMonth || x.app != app || x.who != device && x.who != user {
			return nil
		}
		if late := x.late == 1; first != nil && first.Late != late {
			if late {
				return nil
			}
			first = nil // one that was on time comes before
		}
		if first == nil || rec.stamp < stamp || rec.stamp == stamp && x.partition < first.Partition {
			stamp = rec.stamp
			first = &FirstRecord{Partition: x.partition, Offset: offset, Time: time.UnixMilli(stamp).UTC().Format(time.RFC3339Nano), Late: x.late == 1}
		}
		return nil
	}
	begin := s.begin(ctx, nil, r)
	_, _, err := readLog(ctx, &pass{s: s, former: s.Before, begin: begin, beyond: true, keep: look, closed: func(*Closed, *Signed, int32, int64) {}, r: r})
	return first, err
}
