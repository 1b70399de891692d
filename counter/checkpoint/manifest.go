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
	manifestVersion = 1
)

// manifest is the document that makes a checkpoint. Its creation is the commit.
type manifest struct {
	Generation uint64      `json:"generation"`
	Writer     string      `json:"writer"` // random, of the process that wrote it
	Cluster    string      `json:"cluster"`
	TopicID    string      `json:"topic_id"`
	Partition  int32       `json:"partition"`
	Position   position    `json:"position"`
	TopicRules string      `json:"topic_rules"` // hash
	Rules      []ruleRef   `json:"month_rules"` // of the months that the segments hold, sorted
	Segments   []segment   `json:"segments"`    // oldest first: the order in which they are applied
	State      stateRecord `json:"state"`
}

type position struct {
	Next        int64  `json:"next_offset"`
	BatchOffset int64  `json:"batch_offset"`
	BatchCRC    uint32 `json:"batch_crc"`
	LeaderEpoch int32  `json:"leader_epoch"`
}

type ruleRef struct {
	Month    events.Month `json:"month"`
	Revision int          `json:"revision"`
	Hash     string       `json:"hash"`
	KeyID    string       `json:"key_id"`
}

// segment names a file of a window's parts.
type segment struct {
	Name   string         `json:"name"` // within the folder of checkpoints
	Size   int64          `json:"size"`
	Sum    string         `json:"sha256"`
	Months []events.Month `json:"months"` // of its windows on time, sorted
	Late   []events.Month `json:"late"`   // of its late windows, sorted
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
	Sealed        *events.Month `json:"sealed"` // null: none
	SealHash      string        `json:"seal_hash"`
	Records       uint64        `json:"records"`
	Tombstones    uint64        `json:"tombstones"`
	Unknown       uint64        `json:"unknown"`
	InvalidSeals  uint64        `json:"invalid_seals"`
	TotalRejected uint64        `json:"total_rejected"`
	Unattributed  stretch       `json:"unattributed"`
	Apps          []appStretch  `json:"apps"` // sorted
	Gaps          []gap         `json:"gaps"`
}

type stretch struct {
	Expired   uint64 `json:"expired"`
	Rejected  uint64 `json:"rejected"`
	OverLimit uint64 `json:"over_limit"`
}

type appStretch struct {
	App text `json:"app"`
	stretch
}

type gap struct {
	From   int64 `json:"from"`
	To     int64 `json:"to"`
	Reason text  `json:"reason"`
}

// text is a string from outside, kept byte for byte in JSON: "=" and the string where it is UTF-8, else "x" and hex digits.
type text string

func (t text) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return []byte("=" + string(t)), nil
	}
	return []byte("x" + hex.EncodeToString([]byte(t))), nil
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
		InvalidSeals: s.InvalidSeals, TotalRejected: s.TotalRejected, Unattributed: stretch(s.Unattributed),
		Apps: []appStretch{}, Gaps: []gap{},
	}
	if s.Sealed != 0 {
		r.Sealed = &s.Sealed
	}
	for _, app := range slices.Sorted(maps.Keys(s.Apps)) {
		r.Apps = append(r.Apps, appStretch{text(app), stretch(s.Apps[app])})
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
		s.Apps[string(a.App)] = counter.Stretch(a.stretch)
	}
	for _, g := range r.Gaps {
		s.Gaps = append(s.Gaps, counter.Gap{From: g.From, To: g.To, Reason: string(g.Reason)})
	}
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

// encode puts out the manifest's file.
func (m *manifest) encode() ([]byte, error) { return encodeDocument(manifestKind, manifestVersion, m) }

// parseManifest reads a manifest's file.
func parseManifest(file string, b []byte) (*manifest, error) {
	var m manifest
	if err := decodeDocument(file, b, manifestKind, manifestVersion, &m); err != nil {
		return nil, err
	}
	for _, s := range m.Segments {
		if _, isManifest, ok := generationOf(s.Name); !ok || isManifest || s.Size < headerSize {
			return nil, damage(file, 0, "names a segment %q of %d bytes", s.Name, s.Size)
		}
	}
	return &m, nil
}
