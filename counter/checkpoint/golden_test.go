package checkpoint

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"headcount/counter"
	"headcount/events"
)

var writeGolden = flag.Bool("golden", false, "write the golden files that are missing; those that are there stay for ever")

// golden returns the file of that name in testdata, and checks that it is what is written today, while its version is.
func golden(t *testing.T, name string, today []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	file, err := os.ReadFile(path)
	if os.IsNotExist(err) && *writeGolden {
		file, err = today, os.WriteFile(path, today, 0o644)
	}
	if err != nil {
		t.Fatalf("%v (a new version's file is made with -golden)", err)
	}
	if !bytes.Equal(file, today) {
		t.Errorf("%s is not what is written today: a change of format is a new version", name)
	}
	return file
}

// readGolden returns a golden file of a version that is not written any more.
func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func goldenManifest() *manifest {
	sealed := events.MonthOf(2026, 9)
	return &manifest{
		Generation: 42, Writer: "WRITER", Cluster: "cluster", TopicID: shardID.TopicID, Partition: 3,
		Position:   counter.Position{Next: 1 << 40, BatchOffset: 1<<40 - 10, BatchCRC: 0xdeadbeef, LeaderEpoch: 7},
		TopicRules: "sha256:0a", Rules: []ruleRef{{Month: october, Revision: 1, Hash: "sha256:0b", KeyID: "key-1"}},
		Segments: []segment{{Name: segmentName(40, "RANDOM"), Size: 12345, Sum: "sha256:0c", Months: []events.Month{october}, Late: []events.Month{sealed}}},
		State: recordState(counter.State{
			Sealed: sealed, SealHash: "sha256:0d", Records: 1<<64 - 1, Tombstones: 1, Unknown: 2, InvalidSeals: 3, TotalRejected: 4,
			Unattributed: counter.Stretch{Expired: 5, Rejected: 6, OverLimit: 7, BeforeBooks: 8},
			Apps:         map[string]counter.Stretch{"app-001": {Expired: 1}, "ä<&>\u2028": {Rejected: 2}, "\xff\x00": {OverLimit: 3}, "": {Rejected: 1}},
			Gaps:         []counter.Gap{{From: 5, To: 10, Reason: "lost \"it\""}},
			Remarks:      goldenRemarks(), RemarkedFrom: 11,
		}),
	}
}

func goldenRemarks() []counter.Remark {
	return []counter.Remark{
		{App: "", Cause: counter.Rejected, Name: "no type", Records: 1<<64 - 1}, {App: "app-001", Cause: counter.Unknown, Name: "ä<&>\u2028", Records: 1},
		{App: "app-001", Cause: counter.Skewed, Name: "Buddhist year", Records: 2}, {App: "\xff\x00", Cause: counter.Unopened, Name: "2026-08", Records: 3},
	}
}

func goldenIndex() *Index {
	return &Index{
		Cluster: "cluster", TopicID: shardID.TopicID, Partition: 3, Month: october, Offset: 12345, SealID: "seal-1", SealHash: "sha256:0a",
		RulesHash: "sha256:0b", KeyID: "key-1", Precision: 14, Unattributed: Stretch{1, 2, 3, 14}, Events: 4, Duplicates: 5, Skewed: 6,
		Attributed: Stretch{7, 8, 9, 15}, Apps: 10, Rows: 11, LateApps: 12, LateRows: 13, Data: "2026-10-RANDOM.data", Size: 14, Sum: "sha256:0c", Open: []events.Month{october + 1, october + 2},
		Remarks: recordRemarks(goldenRemarks()), RemarkedFrom: 16,
	}
}

func TestGoldenManifest(t *testing.T) {
	want := goldenManifest()
	today, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseManifest("manifest-3", golden(t, "manifest-3", today))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if s := got.State.state(); !reflect.DeepEqual(recordState(s), got.State) || s.Apps["\xff\x00"].OverLimit != 3 {
		t.Errorf("state %+v", s)
	}
	want.State.Remarks, want.State.RemarkedFrom = []Remark{}, want.Position.Next // as one that was written before there were any
	if got, err = parseManifest("manifest-2", readGolden(t, "manifest-2")); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("version 2: %+v, %v, want %+v", got, err, want)
	}
}

func TestGoldenManifestWithSegment(t *testing.T) {
	want := goldenManifest()
	want.Segments = append(want.Segments, segment{Size: 20, Sum: "sha256:0e", Months: []events.Month{october}, Late: []events.Month{}, Data: []byte("a segment of 20 byte")})
	today, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseManifest("manifest-4", golden(t, "manifest-4", today))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestGoldenIndex(t *testing.T) {
	want := goldenIndex()
	today, err := encodeDocument(indexKind, indexVersion, want)
	if err != nil {
		t.Fatal(err)
	}
	var got Index
	if err := decodeDocument("index-3", golden(t, "index-3", today), indexKind, indexVersion, &got); err != nil || !reflect.DeepEqual(&got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	was := goldenIndex()
	was.Remarks, was.RemarkedFrom = []Remark{}, noRemarks
	was.Open = nil
	got = Index{}
	if err := decodeDocument("index-2", readGolden(t, "index-2"), indexKind, indexVersion, &got); err != nil || !reflect.DeepEqual(&got, was) {
		t.Errorf("version 2: %+v, %v, want %+v", got, err, was)
	}
	if !got.same(want) || !want.same(was) || got.WhollyRemarked() {
		t.Error("an index that tells neither which months were open nor has remarks is another than one that does")
	}
	if other := goldenIndex(); len(other.Open) == 0 {
		t.Fatal("no month is open")
	} else if other.Open = other.Open[1:]; other.same(want) {
		t.Error("the months that were open are not compared")
	}
	other, whole := goldenIndex(), goldenIndex()
	other.RemarkedFrom, whole.RemarkedFrom = 0, 0
	if other.Remarks[0].Records--; whole.same(other) || !whole.same(whole) || !whole.same(want) {
		t.Error("remarks are not compared where both have all")
	}
}

func goldenGap() *gapRecord {
	return &gapRecord{
		Cluster: "cluster", TopicID: shardID.TopicID, Partition: 3, Number: 2, Accepted: time.Date(2026, 10, 3, 8, 15, 30, 0, time.UTC),
		gap: gap{From: 5, To: 1 << 40, Reason: "lost \"it\""},
	}
}

func TestGoldenGap(t *testing.T) {
	want := goldenGap()
	today, err := encodeDocument(gapKind, gapVersion, want)
	if err != nil {
		t.Fatal(err)
	}
	var got gapRecord
	if err := decodeDocument("gap-1", golden(t, "gap-1", today), gapKind, gapVersion, &got); err != nil || got != *want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestGoldenPassed(t *testing.T) {
	today, err := encodeDocument(passedKind, passedVersion, noContent{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "passed-1", today)
}

func TestGoldenSegment(t *testing.T) {
	file := golden(t, "segment-2", segmentOf(t, 1, 3, 40))
	s := newScript(1)
	s.most = 40
	for range 3 {
		s.next(t)
	}
	r, err := openSegment("segment-2", openMem{bytes.NewReader(file)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel()
	m.Position, m.State = s.truth.Position, s.truth.State
	for {
		w, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Absorb(&counter.Delta{Position: m.Position, State: m.State, Windows: []counter.WindowDelta{*w}}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := m.diff(s.truth); diff != "" {
		t.Error(diff)
	}
}

func TestGoldenSealed(t *testing.T) {
	z := randomSealed(1, 4, 30, 6)
	var today bytes.Buffer
	if _, _, err := writeSealed(&today, z); err != nil {
		t.Fatal(err)
	}
	s, err := openSealed("sealed-2", openMem{bytes.NewReader(golden(t, "sealed-2", today.Bytes()))}, 6)
	if err != nil {
		t.Fatal(err)
	}
	if err := sameRows(s.onTime(), z.OnTime()); err != nil {
		t.Errorf("on time: %v", err)
	}
	if err := sameRows(s.late(), z.Late()); err != nil {
		t.Errorf("late: %v", err)
	}
}

// TestOldFormats: files of releases before fingerprints belonged to an app are refused by name, with what can be done; and they are no
// damage, which would be counted again.
func TestOldFormats(t *testing.T) {
	for name, read := range map[string]func(name string, file []byte) error{
		"manifest-1": func(name string, file []byte) error { _, err := parseManifest(name, file); return err },
		"index-1": func(name string, file []byte) error {
			return decodeDocument(name, file, indexKind, indexVersion, &Index{})
		},
		"segment-1": func(name string, file []byte) error {
			_, err := openSegment(name, openMem{bytes.NewReader(file)}, io.Discard)
			return err
		},
		"sealed-1": func(name string, file []byte) error {
			_, err := openSealed(name, openMem{bytes.NewReader(file)}, 6)
			return err
		},
	} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		err = read(name, file)
		if !errors.Is(err, ErrVersion) || errors.Is(err, ErrDamaged) || !strings.HasPrefix(err.Error(), name+": unknown format version 1, ") || !strings.Contains(err.Error(), "have the log counted again") {
			t.Errorf("%s: %v", name, err)
		}
		file[2] ^= 1 // of the kind, or of the magic
		if err = read(name, file); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) {
			t.Errorf("%s with another beginning: %v", name, err)
		}
	}
}
