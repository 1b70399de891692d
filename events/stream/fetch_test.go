package stream

import (
	"bytes"
	"testing"

	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// fetchAnswer is an answer to a fetch of topic "t", or of id zero, partition 3, as a broker writes it.
func fetchAnswer(version int16, data []byte) []byte {
	e := wire.Encoder{Flexible: version >= 12}
	e.Int32(0) // throttle
	e.Int16(0)
	e.Int32(0) // session
	e.Array(1)
	if version >= 13 {
		e.Buf = append(e.Buf, make([]byte, 16)...)
	} else {
		e.Str("t")
	}
	e.Array(1)
	e.Int32(3)
	e.Int16(0)
	e.Int64(30) // end
	e.Int64(20) // stable
	e.Int64(10) // start
	e.Array(1)
	e.Int64(77)
	e.Int64(11)
	e.Tags()
	e.Int32(-1)
	e.Bytes(data)
	e.Tags()
	e.Tags()
	e.Tags()
	return e.Buf
}

func TestFetchAnswer(t *testing.T) {
	for _, version := range fetchVersions {
		b := fetchAnswer(version, []byte("data"))
		decode := func(b []byte) (p piece, n int, err error) {
			err = decodeFetch(bytes.NewReader(b), len(b), version, &fetchRequest{topic: "t"}, func(n int) []byte { return make([]byte, n) },
				func(got piece) { p = got; n++ })
			return p, n, err
		}
		p, n, err := decode(b)
		if err != nil || n != 1 || p.partition != 3 || p.end != 30 || p.stable != 20 || p.start != 10 || string(p.data) != "data" ||
			len(p.aborted) != 1 || p.aborted[0] != (batch.Aborted{Producer: 77, First: 11}) {
			t.Errorf("version %d: %+v, %v", version, p, err)
		}
		for n := range b {
			if _, _, err := decode(b[:n]); err == nil {
				t.Errorf("version %d: cut at %d of %d: no error", version, n, len(b))
			}
		}
	}
}

// A leader that says where its log parted from what was read is heard.
func TestFetchAnswerDiverges(t *testing.T) {
	b := fetchAnswer(13, nil)
	tagged := append(bytes.Clone(b[:len(b)-3]), 1, 0, 13) // one tag, number 0, 13 bytes: epoch, end offset, no tags
	tagged = append(tagged, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0)
	var got []piece
	err := decodeFetch(bytes.NewReader(tagged), len(tagged), 13, &fetchRequest{}, func(n int) []byte { return make([]byte, n) },
		func(p piece) { got = append(got, p) })
	if err != nil || len(got) != 1 || !got[0].diverged {
		t.Errorf("%+v, %v", got, err)
	}
}
