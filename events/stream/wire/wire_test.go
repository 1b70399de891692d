package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"headcount/events"
)

// message is one of each primitive type.
func message(flexible bool) []byte {
	e := Encoder{Flexible: flexible}
	e.Int8(-8)
	e.Bool(true)
	e.Int16(-16)
	e.Int32(-32)
	e.Int64(-64)
	e.Str("text")
	e.Nullable("")
	e.Nullable("more")
	e.Bytes([]byte("bytes"))
	e.Array(2)
	e.Int32(5)
	e.Int32(6)
	e.Tags()
	return e.Buf
}

// TestDecoder reads what was encoded, and refuses it cut anywhere.
func TestDecoder(t *testing.T) {
	decode := func(b []byte, flexible bool) (string, error) {
		d := Decoder{Buf: b, Flexible: flexible}
		s := fmt.Sprint(d.Int8(), d.Bool(), d.Int16(), d.Int32(), d.Int64(), d.Str(), d.Str() == "", d.Str(), string(d.Bytes()), d.Int32s())
		d.Tags()
		if d.Err == nil && len(d.Buf) > 0 {
			d.Fail(fmt.Errorf("%d bytes left over", len(d.Buf)))
		}
		return s, d.Err
	}
	for _, flexible := range []bool{false, true} {
		b := message(flexible)
		want := fmt.Sprint(int8(-8), true, int16(-16), int32(-32), int64(-64), "text", true, "more", "bytes", []events.Partition{5, 6})
		if got, err := decode(b, flexible); err != nil || got != want {
			t.Errorf("flexible %t: %s, %v, want %s", flexible, got, err, want)
		}
		for n := range b {
			if _, err := decode(b[:n], flexible); err == nil {
				t.Errorf("flexible %t: cut at %d of %d: no error", flexible, n, len(b))
			}
		}
	}
}

// TestStreamDecoder reads the same from a connection.
func TestStreamDecoder(t *testing.T) {
	decode := func(b []byte, flexible bool) (string, error) {
		r := &io.LimitedReader{R: bytes.NewReader(b), N: int64(len(b))}
		d := StreamDecoder{R: r, Flexible: flexible}
		d.Skip(2)
		s := fmt.Sprint(d.Int16(), d.Int32(), d.Int64(), d.Str(), d.Str() == "", d.Str())
		p := make([]byte, max(d.Length(), 0))
		d.Full(p)
		var ns []events.Partition
		for range d.Array(4) {
			ns = append(ns, d.Partition())
		}
		d.Tags()
		if d.Err == nil && r.N > 0 {
			d.Err = fmt.Errorf("%d bytes left over", r.N)
		}
		return fmt.Sprint(s, string(p), ns), d.Err
	}
	for _, flexible := range []bool{false, true} {
		b := message(flexible)
		want := fmt.Sprint(fmt.Sprint(int16(-16), int32(-32), int64(-64), "text", true, "more"), "bytes", []events.Partition{5, 6})
		if got, err := decode(b, flexible); err != nil || got != want {
			t.Errorf("flexible %t: %s, %v, want %s", flexible, got, err, want)
		}
		for n := range b {
			if _, err := decode(b[:n], flexible); err == nil {
				t.Errorf("flexible %t: cut at %d of %d: no error", flexible, n, len(b))
			}
		}
	}
}

// TestTags skips what a later broker may add.
func TestTags(t *testing.T) {
	b := []byte{2, 0, 3, 'a', 'b', 'c', 9, 0, 7} // two tags, of three bytes and of none, then a number
	d := Decoder{Buf: b, Flexible: true}
	d.Tags()
	if n := d.Int8(); d.Err != nil || n != 7 {
		t.Errorf("%d, %v, want 7", n, d.Err)
	}
	s := StreamDecoder{R: &io.LimitedReader{R: bytes.NewReader(b), N: int64(len(b))}, Flexible: true}
	s.Tags()
	if s.Err != nil || s.R.N != 1 {
		t.Errorf("%d bytes left, %v, want 1", s.R.N, s.Err)
	}
}

// TestCountsThatLie: nothing is allocated for elements, or bytes, that are not there.
func TestCountsThatLie(t *testing.T) {
	lie := []byte{0x7f, 0xff, 0xff, 0xff, 1, 2, 3}
	for what, read := range map[string]func(d *Decoder) int{
		"array":  func(d *Decoder) int { return d.Array(1) },
		"int32s": func(d *Decoder) int { return len(d.Int32s()) },
		"bytes":  func(d *Decoder) int { return len(d.Bytes()) },
		"string": func(d *Decoder) int { return len(d.Str()) },
		"take":   func(d *Decoder) int { return len(d.Take(-1)) },
	} {
		d := Decoder{Buf: slices.Clone(lie)}
		if n := read(&d); n != 0 || d.Err == nil {
			t.Errorf("%s: %d, %v", what, n, d.Err)
		}
		if d.Int32() != 0 || d.Int64() != 0 {
			t.Errorf("%s: after the error something is read", what)
		}
	}
	for what, read := range map[string]func(d *StreamDecoder) int{
		"array":  func(d *StreamDecoder) int { return d.Array(1) },
		"bytes":  func(d *StreamDecoder) int { return max(d.Length(), 0) },
		"string": func(d *StreamDecoder) int { return len(d.Str()) },
	} {
		d := StreamDecoder{R: &io.LimitedReader{R: bytes.NewReader(lie), N: int64(len(lie))}}
		if n := read(&d); n != 0 || d.Err == nil {
			t.Errorf("%s from a connection: %d, %v", what, n, d.Err)
		}
	}
}

// TestRetriable: what a refusal says to do, and what errors of the way do.
func TestRetriable(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
		code Code
	}{
		{nil, false, CodeNone},
		{io.ErrUnexpectedEOF, true, CodeNone},
		{context.DeadlineExceeded, true, CodeNone},
		{context.Canceled, false, CodeNone},
		{fmt.Errorf("write: %w", Refusal(CodeNoLeader, "write to", "t", "")), true, CodeNoLeader},
		{Refusal(9999, "write to", "t", ""), true, 9999},
		{Refusal(CodeTooLarge, "write to", "t", ""), false, CodeTooLarge},
		{Refusal(CodeUnknownTopic, "write to", "t", ""), true, CodeUnknownTopic},
		{Refusal(CodeUnknownTopic, OpDescribe, "t", ""), false, CodeUnknownTopic},
		{fmt.Errorf("read: %w", gone{}), false, CodeNone},
	} {
		if got := Retriable(c.err); got != c.want || CodeOf(c.err) != c.code {
			t.Errorf("%v: retriable %t, code %v, want %t, %v", c.err, got, CodeOf(c.err), c.want, c.code)
		}
	}
	if !errors.Is(Refusal(CodeUnknownTopic, OpDescribe, "t", ""), ErrNoTopic) || errors.Is(Refusal(CodeUnknownTopic, "write to", "t", ""), ErrNoTopic) {
		t.Error("only metadata can say that there is no such topic")
	}
	if err := Refusal(CodeNone, "write to", "t", ""); err != nil {
		t.Errorf("a refusal of nothing: %v", err)
	}
	const want = "write to t: message too large: 5 bytes over (raise the topic's max.message.bytes)"
	if got := Refusal(CodeTooLarge, "write to", "t", "5 bytes over").Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// gone is an error that no retry helps.
type gone struct{}

func (gone) Error() string { return "gone" }
func (gone) Lost()         {}
