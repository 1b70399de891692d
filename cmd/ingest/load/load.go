// Package load sends NDJSON files to the topic as they are: one record a line, keyed by the GUID, with a word about each line
// that will not be counted.
package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"headcount/events"
	"headcount/events/stream"
)

// MaxLine is the longest line that is sent, bytes.
const MaxLine = 1 << 20

// Sender puts records on the log in order, durable when it returns.
type Sender interface {
	Produce(ctx context.Context, messages []stream.Message) error
}

// Config tells how to load. Warn is called for each line that will be a dead letter, in order.
type Config struct {
	Send    Sender // nil: read only
	Decoder *events.Decoder
	Warn    func(file string, line int, reason events.Reason)
	Sent    func(records int) // nil: none; called as records are sent
}

// Result counts lines by what will become of them.
type Result struct {
	Sent     int `json:"sent"`     // all below together
	Events   int `json:"events"`   // events and quantities
	Unknown  int `json:"unknown"`  // of types that are not counted
	Rejected int `json:"rejected"` // dead letters
}

// batch is how many records go to the log at a time.
const batch = 10_000

// File loads one file: .gz and .zst are unpacked, - is standard input.
func File(ctx context.Context, cfg Config, name string, stdin io.Reader, res *Result) error {
	in, err := open(name, stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	return read(ctx, cfg, name, in, res)
}

func open(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(name, ".gz"):
		z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: not gzip: %w", name, err)
		}
		return closeBoth{z, f}, nil
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: not zstd: %w", name, err)
		}
		return closeBoth{z.IOReadCloser(), f}, nil
	}
	return f, nil
}

type closeBoth struct {
	io.ReadCloser
	file io.Closer
}

func (c closeBoth) Close() error { return errors.Join(c.ReadCloser.Close(), c.file.Close()) }

// read sends one batch while it reads the next.
func read(ctx context.Context, cfg Config, name string, in io.Reader, res *Result) error {
	full := make(chan []stream.Message)
	sent := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		var failed error
		for messages := range full {
			if cfg.Send == nil || failed != nil {
				continue
			}
			if failed = cfg.Send.Produce(ctx, messages); failed != nil {
				cancel()
			} else if cfg.Sent != nil {
				cfg.Sent(len(messages))
			}
		}
		sent <- failed
	}()
	err := lines(ctx, cfg, name, in, res, full)
	close(full)
	if failed := <-sent; failed != nil {
		return failed
	}
	return err
}

func lines(ctx context.Context, cfg Config, name string, in io.Reader, res *Result, full chan<- []stream.Message) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 1<<16), MaxLine+2)
	messages := make([]stream.Message, 0, batch)
	var arena []byte
	line := 0
	for scan.Scan() {
		line++
		text := bytes.TrimSuffix(scan.Bytes(), []byte{'\r'})
		if len(text) == 0 {
			continue
		}
		if len(arena)+len(text) > cap(arena) {
			arena = make([]byte, 0, max(1<<20, len(text)))
		}
		begin := len(arena)
		arena = append(arena, text...)
		message, err := judge(cfg, name, line, arena[begin:len(arena):len(arena)], res)
		if err != nil {
			return err
		}
		if messages = append(messages, message); len(messages) == batch {
			select {
			case full <- messages:
			case <-ctx.Done():
				return ctx.Err()
			}
			messages = make([]stream.Message, 0, batch)
		}
	}
	if err := scan.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line is over %d bytes", MaxLine)
		}
		return fmt.Errorf("%s:%d: %w; the lines before it were sent", name, line+1, err)
	}
	select {
	case full <- messages:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// judge makes a record of a line and says what will become of it.
func judge(cfg Config, name string, line int, text []byte, res *Result) (stream.Message, error) {
	now := time.Now()
	var e events.Event
	cfg.Decoder.Reset()
	if err := cfg.Decoder.Decode(&events.Record{Timestamp: now.UnixMilli(), Value: text}, &e); err != nil {
		return stream.Message{}, fmt.Errorf("%s:%d: %w", name, line, err)
	}
	res.Sent++
	switch e.Outcome {
	case events.Rejected:
		res.Rejected++
		if cfg.Warn != nil {
			cfg.Warn(name, line, e.Reason)
		}
	case events.Unknown:
		res.Unknown++
	default:
		res.Events++
	}
	return stream.Message{Partition: -1, Key: bytes.Clone(e.GUID), Value: text, Time: now}, nil
}
