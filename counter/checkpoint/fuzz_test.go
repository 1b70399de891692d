package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/internal/canonical"
)

// segmentOf is a segment file of a script's first deltas.
func segmentOf(t testing.TB, seed uint64, deltas, most int) []byte {
	t.Helper()
	s := newScript(seed)
	s.most = most
	var sources []source
	var sealed events.Month
	for range deltas {
		d := s.next(t)
		sources, sealed = append(sources, &deltaSource{d.Parts()}), d.State.Sealed
	}
	var file bytes.Buffer
	out, err := newSegmentWriter(&file)
	if err == nil {
		err = merge(out, sources, sealed)
	}
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// blocksOf are the payloads of a binary file's blocks of a type.
func blocksOf(t testing.TB, file []byte, want blockType) (payloads [][]byte) {
	t.Helper()
	r := newBlockReader("file", bytes.NewReader(file), headerSize, int64(len(file)))
	for {
		got, payload, err := r.next()
		if errors.Is(err, io.EOF) {
			return payloads
		}
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			payloads = append(payloads, bytes.Clone(payload))
		}
	}
}

// Whatever bytes a segment has, they are read as what they say or refused as damaged.
func FuzzSegment(f *testing.F) {
	f.Add(segmentOf(f, 1, 1, 3))
	f.Add(segmentOf(f, 2, 5, 10))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := openSegment("file", openMem{bytes.NewReader(file)}, io.Discard)
		for err == nil {
			_, err = s.next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
	})
}

// What a part's bytes are read as is encoded and read as the same again.
func FuzzPart(f *testing.F) {
	for _, payload := range blocksOf(f, segmentOf(f, 2, 1, 1), partsBlock) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c := cursor{b: payload}
		for len(c.b) > 0 {
			w, err := parsePart(&c)
			if err != nil {
				return
			}
			again, err := appendPart(nil, &w)
			if err != nil {
				t.Fatalf("%+v: %v", w, err)
			}
			back := cursor{b: again}
			v, err := parsePart(&back)
			if err != nil || back.done() != nil || !reflect.DeepEqual(v, w) {
				t.Fatalf("%+v came back as %+v: %v", w, v, err)
			}
		}
	})
}

// The bytes of an app's header are refused or those that its content is written as.
func FuzzSealedApp(f *testing.F) {
	var file bytes.Buffer
	if _, _, err := writeSealed(&file, randomSealed(1, 6, 3, 4)); err != nil {
		f.Fatal(err)
	}
	for _, payload := range blocksOf(f, file.Bytes(), appBlock) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		section, h, totals, err := parseApp(payload, 4, &[events.MaxKinds][]uint8{})
		if err != nil {
			return
		}
		if totals > 1000 {
			return
		}
		h.Totals = make([]counter.Total, totals)
		again, err := appendApp(nil, section, h, 4)
		if err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("%x is read as %+v, which is %x: %v", payload, h, again, err)
		}
	})
}

// The bytes of rows are refused or those that the rows are written as.
func FuzzSealedRows(f *testing.F) {
	var file bytes.Buffer
	if _, _, err := writeSealed(&file, randomSealed(1, 6, 3, 4)); err != nil {
		f.Fatal(err)
	}
	for _, payload := range blocksOf(f, file.Bytes(), rowsBlock) {
		f.Add(payload, uint16(len(payload)/22))
	}
	f.Fuzz(func(t *testing.T, payload []byte, rows uint16) {
		n := int(rows)%rowsPerBlock + 1
		var file bytes.Buffer
		blocks, err := newBlockWriter(&file, sealedMagic, sealedVersion)
		if err == nil {
			err = blocks.write(rowsBlock, payload)
		}
		if err != nil {
			t.Skip(err)
		}
		r := &rowReader{blocks: newBlockReader("file", bytes.NewReader(file.Bytes()), headerSize, int64(file.Len())), precision: 4, left: uint64(n), first: true}
		buf := make([]counter.Row, n)
		got, err := fill(r, buf)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		again, err := appendRows(nil, buf[:got], nil)
		if err != nil || got != n || !bytes.Equal(again, payload) {
			t.Fatalf("%x is read as %d rows, which are %x: %v", payload, got, again, err)
		}
	})
}

// Whatever JSON a manifest, an index or the record of a loss holds, under a checksum that is right, it is refused or in the form that is written.
func FuzzDocument(f *testing.F) {
	m, x := goldenManifest(), goldenIndex()
	for _, d := range []struct {
		kind    string
		content described
	}{{manifestKind, m}, {indexKind, x}, {gapKind, goldenGap()}} {
		doc, err := encodeDocument(d.kind, 1, d.content)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc[:bytes.LastIndexByte(doc[:len(doc)-1], '\n')+1])
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		file := append(bytes.Clone(head), canonical.Hash(head)+"\n"...)
		if m, err := parseManifest("file", file); err == nil {
			if again, err := m.encode(); err != nil || !bytes.Equal(again, file) {
				t.Fatalf("%q is read as %+v, which is %q: %v", file, m, again, err)
			}
			recordState(m.State.state()) // does not panic
		} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
		var x Index
		if err := decodeDocument("file", file, indexKind, indexVersion, &x); err == nil {
			if again, err := encodeDocument(indexKind, indexVersion, &x); err != nil || !bytes.Equal(again, file) {
				t.Fatalf("%q is read as %+v, which is %q: %v", file, x, again, err)
			}
		}
		var r gapRecord
		if err := decodeDocument("file", file, gapKind, gapVersion, &r); err == nil {
			if again, err := encodeDocument(gapKind, gapVersion, &r); err != nil || !bytes.Equal(again, file) {
				t.Fatalf("%q is read as %+v, which is %q: %v", file, r, again, err)
			}
		}
	})
}

// Whatever bytes sealed data has, they are read as what they say or refused as damaged.
func FuzzSealed(f *testing.F) {
	for seed, apps := range []int{0, 1, 3} {
		var file bytes.Buffer
		if _, _, err := writeSealed(&file, randomSealed(uint64(seed), apps, 5, 4)); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := openSealed("file", openMem{bytes.NewReader(file)}, 4)
		if err == nil {
			err = errors.Join(readAllRows(s.onTime()), readAllRows(s.late()))
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
	})
}

func readAllRows(r counter.RowReader) error {
	buf := make([]counter.Row, 100)
	for {
		_, err := r.NextApp()
		if errors.Is(err, io.EOF) {
			return nil
		}
		for n := 1; err == nil && n > 0; {
			n, err = r.Rows(buf)
		}
		if err != nil {
			return err
		}
	}
}
