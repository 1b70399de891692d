package checkpoint

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"headcount/counter"
	"headcount/events"
)

const (
	manifestKind    = "manifest"
	manifestVersion = 3 // where every segment is a file
	heldVersion     = 4 // where some lie in the manifest
)

// manifest is the document that makes a checkpoint. Its creation is the commit.
type manifest struct {
	Generation uint64
	Writer     string // random, of the process that wrote it
	Cluster    string
	TopicID    string
	Partition  events.Partition
	Position   counter.Position
	TopicRules string    // hash
	Rules      []ruleRef // of the months that the segments hold, sorted
	Segments   []segment // oldest first: the order in which they are applied
	State      stateRecord
}

func (m *manifest) describe(f *form) {
	number(f, `{"generation":`, &m.Generation)
	f.string(`,"writer":`, &m.Writer)
	f.string(`,"cluster":`, &m.Cluster)
	f.string(`,"topic_id":`, &m.TopicID)
	number(f, `,"partition":`, &m.Partition)
	number(f, `,"position":{"next_offset":`, &m.Position.Next)
	number(f, `,"batch_offset":`, &m.Position.BatchOffset)
	number(f, `,"batch_crc":`, &m.Position.BatchCRC)
	number(f, `,"leader_epoch":`, &m.Position.LeaderEpoch)
	f.string(`},"topic_rules":`, &m.TopicRules)
	list(f, `,"month_rules":`, &m.Rules, (*ruleRef).describe)
	list(f, `,"segments":`, &m.Segments, (*segment).describe)
	f.literal(`,"state":`)
	m.State.describe(f)
	f.literal("}")
	if f.reading && f.version >= heldVersion && !m.holds() {
		f.fail(errForm) // it would be of an older version
	}
}

type ruleRef struct {
	Month    events.Month
	Revision int
	Hash     string
	KeyID    string
}

func (r *ruleRef) describe(f *form) {
	f.text(`{"month":`, &r.Month)
	number(f, `,"revision":`, &r.Revision)
	f.string(`,"hash":`, &r.Hash)
	f.string(`,"key_id":`, &r.KeyID)
	f.literal("}")
}

// segment names a file of a window's parts, or is one.
type segment struct {
	Name   string // within the folder of checkpoints; empty: Data
	Size   int64
	Sum    string
	Months []events.Month // of its windows on time, sorted
	Late   []events.Month // of its late windows, sorted
	Data   packed         // all of it
}

func (s *segment) describe(f *form) {
	month := func(m *events.Month, f *form) { f.text("", m) }
	f.string(`{"name":`, &s.Name)
	number(f, `,"size":`, &s.Size)
	f.string(`,"sha256":`, &s.Sum)
	list(f, `,"months":`, &s.Months, month)
	list(f, `,"late":`, &s.Late, month)
	if f.version >= heldVersion {
		f.text(`,"data":`, &s.Data)
	}
	f.literal("}")
}

// alive says whether any window of the segment is.
func (s *segment) alive(sealed events.Month) bool {
	return slices.ContainsFunc(s.Months, func(m events.Month) bool { return alive(counter.WindowID{Month: m}, sealed) }) ||
		slices.ContainsFunc(s.Late, func(m events.Month) bool { return alive(counter.WindowID{Month: m, Late: true}, sealed) })
}

// holdsDead says whether any window of the segment is dead.
func (s *segment) holdsDead(sealed events.Month) bool {
	return slices.ContainsFunc(s.Months, func(m events.Month) bool { return !alive(counter.WindowID{Month: m}, sealed) }) ||
		slices.ContainsFunc(s.Late, func(m events.Month) bool { return !alive(counter.WindowID{Month: m, Late: true}, sealed) })
}

// stateRecord is counter.State.
type stateRecord struct {
	Sealed        *events.Month // nil: none
	SealHash      string
	Records       uint64
	Tombstones    uint64
	Unknown       uint64
	InvalidSeals  uint64
	TotalRejected uint64
	Unattributed  Stretch
	Apps          []appStretch // sorted
	Gaps          []gap
	Remarks       []Remark // sorted; since version 3
	RemarkedFrom  events.Offset
}

func (r *stateRecord) describe(f *form) {
	f.literal(`{"sealed":`)
	switch {
	case f.reading && f.next("null"):
	case f.reading:
		r.Sealed = new(events.Month)
		f.text("", r.Sealed)
	case r.Sealed == nil:
		f.literal("null")
	default:
		f.text("", r.Sealed)
	}
	f.string(`,"seal_hash":`, &r.SealHash)
	number(f, `,"records":`, &r.Records)
	number(f, `,"tombstones":`, &r.Tombstones)
	number(f, `,"unknown":`, &r.Unknown)
	number(f, `,"invalid_seals":`, &r.InvalidSeals)
	number(f, `,"total_rejected":`, &r.TotalRejected)
	r.Unattributed.describe(f, `,"unattributed":{`)
	list(f, `,"apps":`, &r.Apps, (*appStretch).describe)
	list(f, `,"gaps":`, &r.Gaps, (*gap).describe)
	describeRemarks(f, &r.Remarks, &r.RemarkedFrom)
	f.literal("}")
}

type appStretch struct {
	App text
	Stretch
}

func (a *appStretch) describe(f *form) {
	f.text(`{"app":`, &a.App)
	a.Stretch.describe(f, ",")
}

type gap struct {
	From   events.Offset
	To     events.Offset
	Reason text
}

func (g *gap) describe(f *form) {
	f.literal("{")
	g.members(f)
}

// members are those of a gap, and the end.
func (g *gap) members(f *form) {
	number(f, `"from":`, &g.From)
	number(f, `,"to":`, &g.To)
	f.text(`,"reason":`, &g.Reason)
	f.literal("}")
}

// text is a string from outside, kept byte for byte in JSON: "=" and the string where it is UTF-8, else "x" and hex digits.
type text string

func (t text) AppendText(b []byte) ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return append(append(b, '='), t...), nil
	}
	return hex.AppendEncode(append(b, 'x'), []byte(t)), nil
}

func (t *text) UnmarshalText(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '=':
		*t = text(b[1:])
		return nil
	case len(b) > 0 && b[0] == 'x':
		raw, err := hex.DecodeString(string(b[1:]))
		*t = text(raw)
		return err
	}
	return fmt.Errorf("text %.40q: want = or x before it", b)
}

func recordState(s counter.State) stateRecord {
	r := stateRecord{
		SealHash: s.SealHash, Records: s.Records, Tombstones: s.Tombstones, Unknown: s.Unknown,
		InvalidSeals: s.InvalidSeals, TotalRejected: s.TotalRejected, Unattributed: Stretch(s.Unattributed),
		Apps: []appStretch{}, Gaps: []gap{}, Remarks: recordRemarks(s.Remarks), RemarkedFrom: s.RemarkedFrom,
	}
	if s.Sealed != 0 {
		r.Sealed = &s.Sealed
	}
	for _, app := range slices.Sorted(maps.Keys(s.Apps)) {
		r.Apps = append(r.Apps, appStretch{text(app), Stretch(s.Apps[app])})
	}
	for _, g := range s.Gaps {
		r.Gaps = append(r.Gaps, gap{g.From, g.To, text(g.Reason)})
	}
	return r
}

func (r *stateRecord) state() counter.State {
	s := counter.State{
		SealHash: r.SealHash, Records: r.Records, Tombstones: r.Tombstones, Unknown: r.Unknown,
		InvalidSeals: r.InvalidSeals, TotalRejected: r.TotalRejected, Unattributed: counter.Stretch(r.Unattributed),
	}
	if r.Sealed != nil {
		s.Sealed = *r.Sealed
	}
	for _, a := range r.Apps {
		if s.Apps == nil {
			s.Apps = map[string]counter.Stretch{}
		}
		s.Apps[string(a.App)] = counter.Stretch(a.Stretch)
	}
	for _, g := range r.Gaps {
		s.Gaps = append(s.Gaps, counter.Gap{From: g.From, To: g.To, Reason: string(g.Reason)})
	}
	s.Remarks, s.RemarkedFrom = remarksOf(r.Remarks), r.RemarkedFrom
	return s
}

// Names within the folder of checkpoints. The generation of a segment is that of the manifest it was written for; it tells
// garbage from what another writer is about to name.
const (
	manifestSuffix = ".manifest"
	segmentSuffix  = ".segment"
)

func manifestName(generation uint64) string { return twentyDigits(generation) + manifestSuffix }

func segmentName(generation uint64, random string) string {
	return twentyDigits(generation) + "-" + random + segmentSuffix
}

// twentyDigits is a generation as names have it, so that they sort as numbers do.
func twentyDigits(generation uint64) string {
	var b [20]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + generation%10)
		generation /= 10
	}
	return string(b[:])
}

// generationOf reads a name of the folder of checkpoints.
func generationOf(name string) (generation uint64, isManifest, ok bool) {
	base, isManifest := strings.CutSuffix(name, manifestSuffix)
	if !isManifest {
		var random string
		base, random, ok = strings.Cut(strings.TrimSuffix(name, segmentSuffix), "-")
		if !ok || random == "" || !strings.HasSuffix(name, segmentSuffix) {
			return 0, false, false
		}
	}
	generation, err := strconv.ParseUint(base, 10, 64)
	return generation, isManifest, err == nil && len(base) == 20
}

// holds says whether any segment lies in the manifest.
func (m *manifest) holds() bool {
	return slices.ContainsFunc(m.Segments, func(s segment) bool { return s.Data != nil })
}

// encode puts out the manifest's file, in the oldest version that can say it.
func (m *manifest) encode() ([]byte, error) {
	if m.holds() {
		return encodeDocument(manifestKind, heldVersion, m)
	}
	return encodeDocument(manifestKind, manifestVersion, m)
}

// parseManifest reads a manifest's file.
func parseManifest(file string, b []byte) (*manifest, error) {
	var m manifest
	if err := decodeDocument(file, b, manifestKind, heldVersion, &m); err != nil {
		return nil, err
	}
	if m.State.RemarkedFrom < 0 { // of a release that made none: they are made from here on
		m.State.RemarkedFrom = m.Position.Next
	}
	for i := range m.Segments {
		if err := m.Segments[i].check(file); err != nil {
			return nil, err
		}
	}
	return &m, nil
}
