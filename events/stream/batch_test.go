package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"headcount/events"

	"github.com/klauspost/compress/s2"
)

// rawRecord is a record written out by hand, in its simplest form: one-byte varints, so all lengths below 64.
func rawRecord(timeDelta, offsetDelta int8, key, value string) []byte {
	zig := func(n int) byte { return byte(n << 1) }
	body := []byte{0, byte(timeDelta<<1) ^ byte(timeDelta>>7), zig(int(offsetDelta)), zig(len(key))}
	body = append(body, key...)
	body = append(body, zig(len(value)))
	body = append(body, value...)
	body = append(body, 0)
	return append([]byte{zig(len(body))}, body...)
}

// rawBatch is a batch of fields that the caller sets; the checksum is right.
type rawBatch struct {
	base       int64
	epoch      int32
	magic      int8
	attributes int16
	lastDelta  int32
	first, max int64
	producer   int64
	count      int32
	content    []byte
	length     int32 // 0: as it is
	crcOff     uint32
}

func (r rawBatch) bytes() []byte {
	b := make([]byte, 61)
	binary.BigEndian.PutUint64(b[0:], uint64(r.base))
	length := r.length
	if length == 0 {
		length = int32(49 + len(r.content))
	}
	binary.BigEndian.PutUint32(b[8:], uint32(length))
	binary.BigEndian.PutUint32(b[12:], uint32(r.epoch))
	b[16] = byte(r.magic)
	binary.BigEndian.PutUint16(b[21:], uint16(r.attributes))
	binary.BigEndian.PutUint32(b[23:], uint32(r.lastDelta))
	binary.BigEndian.PutUint64(b[27:], uint64(r.first))
	binary.BigEndian.PutUint64(b[35:], uint64(r.max))
	binary.BigEndian.PutUint64(b[43:], uint64(r.producer))
	binary.BigEndian.PutUint32(b[57:], uint32(r.count))
	b = slices.Concat(b, r.content)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli))+r.crcOff)
	return b
}

// plain is a batch of one record for each value.
func plain(base int64, values ...string) rawBatch {
	r := rawBatch{base: base, epoch: 7, magic: 2, lastDelta: int32(len(values) - 1), first: 1000, max: 2000, producer: -1, count: int32(len(values))}
	for i, v := range values {
		r.content = append(r.content, rawRecord(int8(i), int8(i), "k", v)...)
	}
	return r
}

func (r rawBatch) with(f func(*rawBatch)) rawBatch {
	r.content = bytes.Clone(r.content)
	f(&r)
	return r
}

// readAll puts bytes through a partition reader as one fetch's answer, from an offset, and returns the records, where reading
// stands after, and the error.
func readAll(t testing.TB, data []byte, from int64, list ...aborted) (values []string, at Position, err error) {
	t.Helper()
	records, at, err := readRecords(data, from, list...)
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values, at, err
}

func readRecords(data []byte, from int64, list ...aborted) (records []events.Record, at Position, err error) {
	r := &Reader{log: &Log{config: Config{Topic: "t", MaxBatchBytes: 1 << 20}.filled()}}
	p := &PartitionReader{r: r, id: 3, next: from}
	p.current, p.rest = &chunk{data: data}, data
	p.abort.start(list)
	at = Position{Offset: from, BatchOffset: -1, LeaderEpoch: -1}
	for {
		found, err := p.read()
		if err != nil || !found {
			return records, at, err
		}
		for _, rec := range p.batch.Records {
			rec.Key, rec.Value, rec.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), bytes.Clone(rec.Headers)
			records = append(records, rec)
		}
		at = p.batch.Position()
	}
}

func join(batches ...rawBatch) []byte {
	var b []byte
	for _, r := range batches {
		b = append(b, r.bytes()...)
	}
	return b
}

func TestBatches(t *testing.T) {
	control := func(base, producer int64, kind byte) rawBatch {
		return rawBatch{base: base, magic: 2, attributes: controlBit | transactionalBit, producer: producer, count: 1,
			content: rawRecord(0, 0, string([]byte{0, 0, 0, kind}), "\x00\x00\x00\x00\x00\x00")}
	}
	transactional := func(base, producer int64, values ...string) rawBatch {
		return plain(base, values...).with(func(r *rawBatch) { r.attributes, r.producer = transactionalBit, producer })
	}
	for _, c := range []struct {
		name    string
		data    []byte
		from    int64
		aborted []aborted
		want    []string
		next    int64
		batch   int64 // base of the last batch
	}{
		{"nothing", nil, 5, nil, nil, 5, -1},
		{"one", join(plain(5, "a", "b")), 5, nil, []string{"a", "b"}, 7, 5},
		{"from within", join(plain(5, "a", "b", "c")), 6, nil, []string{"b", "c"}, 8, 5},
		{"read before", join(plain(5, "a"), plain(6, "b")), 6, nil, []string{"b"}, 7, 6},
		{"the last is cut in its content", join(plain(5, "a"), plain(6, "bcdef"))[:61+9+61+4], 5, nil, []string{"a"}, 6, 5},
		{"the last is cut in its header", join(plain(5, "a"), plain(6, "b"))[:61+9+20], 5, nil, []string{"a"}, 6, 5},
		{"the last is cut before its length", join(plain(5, "a"), plain(6, "b"))[:61+9+3], 5, nil, []string{"a"}, 6, 5},
		{"emptied by compaction", join(rawBatch{base: 5, magic: 2, lastDelta: 9}), 5, nil, nil, 15, 5},
		{"thinned by compaction", join(plain(5, "a", "b").with(func(r *rawBatch) { r.lastDelta = 20 })), 5, nil, []string{"a", "b"}, 26, 5},
		{"a hole between batches", join(plain(5, "a"), plain(50, "b")), 5, nil, []string{"a", "b"}, 51, 50},
		{"control", join(plain(5, "a"), control(6, 1, 1), plain(7, "b")), 5, nil, []string{"a", "b"}, 8, 7},
		{"only control", join(control(5, 1, 1)), 5, nil, nil, 6, 5},
		{"committed", join(transactional(5, 1, "a"), control(6, 1, 1)), 5, nil, []string{"a"}, 7, 6},
		{"aborted", join(transactional(5, 1, "a", "b"), control(7, 1, 0), transactional(8, 1, "c"), control(9, 1, 1)), 5,
			[]aborted{{1, 5}}, []string{"c"}, 10, 9},
		{"aborted, among others", join(transactional(5, 1, "a"), transactional(6, 2, "b"), plain(7, "c"), control(8, 1, 0), control(9, 2, 1)), 5,
			[]aborted{{1, 5}}, []string{"b", "c"}, 10, 9},
		{"aborted twice, listed out of order", join(transactional(5, 1, "a"), control(6, 1, 0), transactional(7, 1, "b"), control(8, 1, 1),
			transactional(9, 1, "c"), control(10, 1, 0)), 5, []aborted{{1, 9}, {1, 5}}, []string{"b"}, 11, 10},
		{"aborted before the fetch", join(transactional(5, 1, "a"), control(6, 1, 0)), 5, []aborted{{1, 2}}, nil, 7, 6},
		{"aborted before where reading begins", join(transactional(5, 1, "a"), control(6, 1, 0), transactional(7, 1, "b"), control(8, 1, 1)), 7,
			[]aborted{{1, 5}}, []string{"b"}, 9, 8},
		{"not transactional, though its producer aborted", join(plain(5, "a").with(func(r *rawBatch) { r.producer = 1 })), 5, []aborted{{1, 2}}, []string{"a"}, 6, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, at, err := readAll(t, c.data, c.from, c.aborted...)
			if err != nil || !slices.Equal(got, c.want) || at.Offset != c.next || at.BatchOffset != c.batch {
				t.Errorf("got %q, position %+v, %v; want %q, next %d, batch %d", got, at, err, c.want, c.next, c.batch)
			}
		})
	}
}

func TestBatchesThatMakeNoSense(t *testing.T) {
	good := plain(5, "a", "b")
	for _, c := range []struct {
		name string
		data []byte
		want string // within the error
	}{
		{"checksum", join(good.with(func(r *rawBatch) { r.crcOff = 1 })), "checksum"},
		{"format 0", join(good.with(func(r *rawBatch) { r.magic = 0 })), "message format 0"},
		{"format 1", join(good.with(func(r *rawBatch) { r.magic = 1 })), "message format 1"},
		{"format 3", join(good.with(func(r *rawBatch) { r.magic = 3 })), "message format 3"},
		{"length below a header", join(good.with(func(r *rawBatch) { r.length = 48 })), "length 48"},
		{"length negative", join(good.with(func(r *rawBatch) { r.length = -1 })), "length -1"},
		{"base negative", join(good.with(func(r *rawBatch) { r.base = -5 })), "base offset -5"},
		{"base at the end of all offsets", join(good.with(func(r *rawBatch) { r.base = 1<<63 - 2 })), "out of range"},
		{"last delta negative", join(good.with(func(r *rawBatch) { r.lastDelta = -1 })), "last offset delta -1"},
		{"more records than offsets", join(good.with(func(r *rawBatch) { r.lastDelta = 0 })), "2 records in 1 offsets"},
		{"count negative", join(good.with(func(r *rawBatch) { r.count = -1 })), "-1 records"},
		{"count that lies, far", join(good.with(func(r *rawBatch) { r.count, r.lastDelta = 1<<31-1, 1<<31-1 })), "2147483647 records in"},
		{"count one more", join(good.with(func(r *rawBatch) { r.count, r.lastDelta = 3, 2 })), "record"},
		{"count one less", join(good.with(func(r *rawBatch) { r.count = 1 })), "left over"},
		{"deltas do not rise", join(good.with(func(r *rawBatch) {
			r.content = slices.Concat(rawRecord(0, 1, "", "a"), rawRecord(0, 1, "", "b"))
		})), "offset delta 1 after 1"},
		{"delta past the last", join(good.with(func(r *rawBatch) { r.content = slices.Concat(rawRecord(0, 0, "", "a"), rawRecord(0, 9, "", "b")) })), "offset delta 9"},
		{"record longer than the batch", join(good.with(func(r *rawBatch) { r.content[0] = 126 })), "past its end"},
		{"record length negative", join(good.with(func(r *rawBatch) { r.content[0] = 1 })), "past its end"},
		{"value longer than the record", join(good.with(func(r *rawBatch) { r.content[6] = 126 })), "value"},
		{"value length −2", join(good.with(func(r *rawBatch) { r.content[6] = 3 })), "value"},
		{"key longer than the record", join(good.with(func(r *rawBatch) { r.content[4] = 126 })), "key"},
		{"headers that are not there", join(good.with(func(r *rawBatch) { r.content[8] = 2 })), "headers"},
		{"headers negative", join(good.with(func(r *rawBatch) { r.content[8] = 1 })), "headers"},
		{"codec 5", join(good.with(func(r *rawBatch) { r.attributes = 5 })), "codec 5"},
		{"gzip that is none", join(good.with(func(r *rawBatch) { r.attributes = 1 })), "uncompress"},
		{"snappy that is none", join(good.with(func(r *rawBatch) { r.attributes = 2 })), "uncompress"},
		{"lz4 that is none", join(good.with(func(r *rawBatch) { r.attributes = 3 })), "uncompress"},
		{"zstd that is none", join(good.with(func(r *rawBatch) { r.attributes = 4 })), "uncompress"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, at, err := readAll(t, append(join(plain(4, "before")), c.data...), 4)
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of %q", err, c.want)
			}
			if !slices.Equal(got, []string{"before"}) || at.Offset != 5 {
				t.Errorf("before it: %q, then at %d", got, at.Offset)
			}
		})
	}
}

// What an error tells an operator to do helps.
func TestCorruptRemedies(t *testing.T) {
	packed := func(r *rawBatch) {
		var err error
		if r.content, err = pack(nil, codecZstd, make([]byte, 2<<20)); err != nil { // the most is 1 MiB here
			t.Fatal(err)
		}
		r.attributes = int16(codecZstd)
	}
	for want, change := range map[string]func(*rawBatch){
		"raise kafka.max_batch_bytes": packed,
		"copy the topic":              func(r *rawBatch) { r.magic = 1 },
		"repaired from a replica":     func(r *rawBatch) { r.crcOff = 1 },
	} {
		_, _, err := readAll(t, join(plain(5, "a").with(change)), 5)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
		if err != nil && want != "repaired from a replica" && strings.Contains(err.Error(), "replica") {
			t.Errorf("%v: no replica is better", err)
		}
	}
}

func TestTimestamps(t *testing.T) {
	for attributes, want := range map[int16][]int64{0: {1000, 1001}, logAppendTimeBit: {2000, 2000}} {
		b := plain(0, "a", "b").with(func(r *rawBatch) { r.attributes = attributes })
		records, _, err := readRecords(join(b), 0)
		if err != nil || len(records) != 2 || records[0].Timestamp != want[0] || records[1].Timestamp != want[1] {
			t.Errorf("attributes %d: %+v, %v, want times %v", attributes, records, err, want)
		}
	}
	records, _, err := readRecords(join(plain(0, "a").with(func(r *rawBatch) { r.content = rawRecord(-3, 0, "k", "a") })), 0)
	if err != nil || records[0].Timestamp != 997 {
		t.Errorf("%+v, %v, want time 997", records, err)
	}
}

func TestNullKeyAndValueAndHeaders(t *testing.T) {
	content := []byte{2 * 16, 0, 0, 0, 1, 1, 4, 2, 'h', 2, 'x', 8, 'n', 'u', 'l', 'l', 1}
	b := rawBatch{magic: 2, count: 1, content: content}
	records, _, err := readRecords(join(b), 0)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	r := records[0]
	if r.Key != nil || r.Value != nil || r.HeaderCount != 2 || string(r.Headers) != "\x02h\x02x\x08null\x01" {
		t.Errorf("%+v", r)
	}
}

// Each codec in the form that clients in the field write, with bombs that unpack to more than is taken.
func TestUnpack(t *testing.T) {
	xerialFrame := func(blocks ...[]byte) []byte {
		b := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
		for _, block := range blocks {
			c := s2.EncodeSnappy(nil, block)
			b = binary.BigEndian.AppendUint32(b, uint32(len(c)))
			b = append(b, c...)
		}
		return b
	}
	content := plain(0, "a", "b").content
	packed := func(c codec, b []byte) []byte {
		t.Helper()
		p, err := pack(nil, c, b)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name  string
		codec codec
		data  []byte
		bomb  []byte
	}{
		{"gzip", codecGzip, packed(codecGzip, content), packed(codecGzip, make([]byte, 2<<20))},
		{"snappy", codecSnappy, packed(codecSnappy, content), packed(codecSnappy, make([]byte, 2<<20))},
		{"snappy, framed", codecSnappy, xerialFrame(content[:5], content[5:]), xerialFrame(make([]byte, 1<<20), make([]byte, 1))},
		{"lz4", codecLZ4, packed(codecLZ4, content), packed(codecLZ4, make([]byte, 2<<20))},
		{"zstd", codecZstd, packed(codecZstd, content), packed(codecZstd, make([]byte, 2<<20))},
	} {
		t.Run(c.name, func(t *testing.T) {
			pack := func(data []byte) []byte {
				return join(plain(0, "a", "b").with(func(r *rawBatch) { r.attributes, r.content = int16(c.codec), data }))
			}
			got, _, err := readAll(t, pack(c.data), 0)
			if err != nil || !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("got %q, %v", got, err)
			}
			_, _, err = readAll(t, pack(c.bomb), 0)
			if err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
				t.Errorf("bomb: %v", err)
			}
			for n := range c.data {
				if _, _, err := readAll(t, pack(c.data[:n]), 0); err == nil {
					t.Errorf("cut at %d of %d: no error", n, len(c.data))
				}
			}
			u := unpacker{limit: 1 << 20}
			if n := testing.AllocsPerRun(100, func() {
				if _, err := u.unpack(c.codec, c.data); err != nil {
					t.Fatal(err)
				}
			}); n > 2 {
				t.Errorf("%v allocations a batch", n)
			}
		})
	}
}

// A record costs no allocation, however many a batch holds.
func TestNoAllocationPerRecord(t *testing.T) {
	var ms []*Message
	for range 1000 {
		ms = append(ms, &Message{Key: []byte("key"), Value: []byte("value"), Headers: []Header{{Key: "h", Value: []byte("x")}}})
	}
	var e batchEncoder
	data, err := e.encode(ms, codecNone, producerState{id: -1}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{log: &Log{config: Config{Topic: "t"}.filled()}}
	p := &PartitionReader{r: r}
	c := &chunk{data: data}
	if n := testing.AllocsPerRun(100, func() {
		p.current, p.rest, p.next = c, data, 0
		if found, err := p.read(); !found || err != nil || len(p.batch.Records) != 1000 {
			t.Fatal(found, err, len(p.batch.Records))
		}
		p.release()
	}); n > 1 {
		t.Errorf("%v allocations for a batch of 1000 records", n)
	}
}
