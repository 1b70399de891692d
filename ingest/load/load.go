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
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"headcount/events"
	"headcount/events/decode"
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
	Decoder *decode.Decoder
	Warn    func(file string, line int, reason events.Reason)
	Sent    func(records int) // nil: none; called as records are sent
}

// Result counts lines by what will become of them. Empty lines are no records.
type Result struct {
	Sent     int `json:"sent"`     // events, unknown and rejected together
	Events   int `json:"events"`   // events and quantities
	Skewed   int `json:"skewed"`   // of those, with a wrong clock: they count at the time of loading
	Unknown  int `json:"unknown"`  // of types that are not counted
	Rejected int `json:"rejected"` // dead letters

	// Of the events, what is not billed where its file says, or at all.
	Untimed     int `json:"untimed"`      // without a time of their own: they count at that of loading
	Finished    int `json:"finished"`     // of months that are finished, by the Decoder's floor
	BeforeBooks int `json:"before_books"` // of months before the books
}

// batch is how many records go to the log at a time: enough for large record batches in every partition.
const batch = 20_000

// Input is a file to load.
type Input struct {
	Name string // as messages call it
	Path string // - for standard input
}

// Open opens an input and unpacks gzip and zstd, which are told by their first bytes; a byte-order mark is passed over. An error
// says what is wrong with the file.
func (in Input) Open(ctx context.Context, stdin io.Reader) (io.ReadCloser, error) {
	var file io.ReadCloser
	if in.Path == "-" {
		file = io.NopCloser(Interruptible(ctx, stdin))
	} else {
		f, err := openFile(in)
		if err != nil {
			return nil, err
		}
		file = f
	}
	unpacked, err := unpack(in, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return unpacked, nil
}

func openFile(in Input) (*os.File, error) {
	f, err := os.Open(in.Path)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("%s: %w", in.Name, path.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a folder: name the files in it", in.Name), f.Close())
	}
	return f, nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	byteOrder = []byte{0xef, 0xbb, 0xbf}
)

func unpack(in Input, file io.ReadCloser) (io.ReadCloser, error) {
	packed := bufio.NewReaderSize(file, 1<<16)
	begin, err := packed.Peek(len(zstdMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	var plain io.Reader = packed
	closers := both{file, io.NopCloser(nil)}
	switch {
	case bytes.HasPrefix(begin, gzipMagic):
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("%s: not gzip: %w", in.Name, err)
		}
		plain, closers.unpacker = z, z
	case bytes.HasPrefix(begin, zstdMagic):
		z, err := zstd.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("%s: not zstd: %w", in.Name, err)
		}
		plain, closers.unpacker = z, z.IOReadCloser()
	case strings.HasSuffix(in.Name, ".gz"), strings.HasSuffix(in.Name, ".zst"):
		return nil, fmt.Errorf("%s is not packed as its name says: rename it, or pack it again", in.Name)
	}
	text := bufio.NewReaderSize(plain, 1<<16)
	if begin, _ := text.Peek(len(byteOrder)); bytes.Equal(begin, byteOrder) {
		_, _ = text.Discard(len(byteOrder))
	}
	return struct {
		io.Reader
		io.Closer
	}{text, closers}, nil
}

type both struct{ file, unpacker io.Closer }

// Close leaves out the unpacker's error: Read has said what is wrong with the text.
func (b both) Close() error {
	_ = b.unpacker.Close()
	return b.file.Close()
}

// Interruptible reads what r reads until ctx ends, also where r waits for a terminal or a pipe. The goroutine behind it ends with
// r's next answer: nobody can wait for it.
func Interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	return out
}

// File loads one input. What lies before a line that cannot be sent, or before the damage of a file, is sent when it returns.
func File(ctx context.Context, cfg Config, in Input, stdin io.Reader, res *Result) error {
	text, err := in.Open(ctx, stdin)
	if err != nil {
		return err
	}
	return errors.Join(read(ctx, cfg, in.Name, text, res), text.Close())
}

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
	var bad error
	for scan.Scan() {
		line++
		text := bytes.TrimSuffix(scan.Bytes(), []byte{'\r'})
		if len(text) == 0 {
			continue
		}
		if len(text) > MaxLine {
			bad = tooLong(name, line)
			break
		}
		if len(arena)+len(text) > cap(arena) {
			arena = make([]byte, 0, max(1<<20, len(text)))
		}
		begin := len(arena)
		arena = append(arena, text...)
		message, err := judge(cfg, name, line, arena[begin:len(arena):len(arena)], res)
		if err != nil {
			bad = err
			break
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
	switch err := scan.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		bad = tooLong(name, line+1)
	case err != nil:
		bad = fmt.Errorf("%s:%d: cannot be read on: %w", name, line+1, err)
	}
	select {
	case full <- messages:
		return bad
	case <-ctx.Done():
		return ctx.Err()
	}
}

func tooLong(name string, line int) error {
	return fmt.Errorf("%s:%d: the line is over 1 MiB, more than a record holds: take it out", name, line)
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
		if e.Skewed {
			res.Skewed++
		}
		switch {
		case e.Untimed:
			res.Untimed++
		case e.Outcome == events.Expired:
			res.Finished++
		case e.Outcome == events.BeforeBooks:
			res.BeforeBooks++
		}
	}
	return stream.Message{Partition: -1, Key: e.Key(), Value: text, Time: now}, nil
}
