package checkpoint

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"headcount/counter"
	"headcount/events"
)

// Where each file costs money, and a list of them too, a small segment lies in the manifest itself, and in those that follow, until so many
// are there that they are written as one. So a checkpoint is one file, but for those that have much new. A bucket asks for it with
// OneFile.
const (
	mostHeld    = 128 << 10 // bytes of a segment that lies in the manifest
	mostInOne   = 8         // of them
	sweepEvery  = 60        // saves; garbage stays until then
	sweepAtOnce = 5         // saves after a load
)

// Fence is how long a manifest that is of no use keeps its name taken, in a bucket that tells how old files are (ListBefore): a writer that
// slept wakes to find that it is lost.
const Fence = 24 * time.Hour

// oneFile says whether a bucket asks for checkpoints of one file.
func oneFile(b Bucket) bool {
	s, ok := b.(interface{ OneFile() bool })
	return ok && s.OneFile()
}

// listBefore is List, and says which of the names are of files made before a time; of a bucket that does not tell: all.
func listBefore(ctx context.Context, b Bucket, prefix string, at time.Duration) (names []string, before map[string]bool, err error) {
	if s, ok := b.(interface {
		ListBefore(ctx context.Context, prefix string, at time.Time) (names []string, before map[string]bool, err error)
	}); ok {
		return s.ListBefore(ctx, prefix, time.Now().Add(-at))
	}
	names, err = b.List(ctx, prefix)
	before = map[string]bool{}
	for _, n := range names {
		before[n] = true
	}
	return names, before, err
}

// listFolders returns the folders right under a prefix, each with a trailing slash; false: the bucket does not tell them apart from their
// files.
func listFolders(ctx context.Context, b Bucket, prefix string) (folders []string, ok bool, err error) {
	s, ok := b.(interface {
		ListFolders(ctx context.Context, prefix string) ([]string, error)
	})
	if !ok {
		return nil, false, nil
	}
	folders, err = s.ListFolders(ctx, prefix)
	return folders, true, err
}

// packed are the bytes of a segment, as the manifest has them.
type packed []byte

// AppendText implements encoding.TextAppender.
func (p packed) AppendText(b []byte) ([]byte, error) {
	return base64.StdEncoding.AppendEncode(b, p), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *packed) UnmarshalText(b []byte) (err error) {
	if *p, err = base64.StdEncoding.AppendDecode(nil, b); len(*p) == 0 {
		*p = nil
	}
	return err
}

// heldFile is a segment that lies in the manifest.
type heldFile struct{ *bytes.Reader }

func (heldFile) Close() error { return nil }

// openFile opens a segment, wherever it lies.
func (p *Partition) openFile(ctx context.Context, s segment) (File, error) {
	if s.Name == "" {
		return heldFile{bytes.NewReader(s.Data)}, nil
	}
	return p.bucket.Open(ctx, p.folder+s.Name)
}

// called is what messages call a segment.
func (p *Partition) called(s segment) string {
	if s.Name == "" {
		return p.folder + "*" + manifestSuffix + " (a segment in it)"
	}
	return p.folder + s.Name
}

var errTooLarge = errors.New("too large to lie in the manifest")

// bounded is a buffer that takes no more than mostHeld bytes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > mostHeld {
		return 0, errTooLarge
	}
	return b.Buffer.Write(p)
}

// holdSegment makes a segment that lies in the manifest, or returns errTooLarge.
func holdSegment(ctx context.Context, sources func() ([]source, error), sealed events.Month) (s segment, err error) {
	var b bounded
	if err := putSegment(ctx, &b, &s, sources, sealed); err != nil {
		return segment{}, err
	}
	s.Data = b.Bytes()
	return s, nil
}

// fold takes from the end of segments what lies in the manifest, where there is so much that it is written with the next one.
func (p *Partition) fold(segments []segment) (rest, folded []segment) {
	from := len(segments)
	for from > 0 && segments[from-1].Name == "" {
		from--
	}
	if len(segments)-from < mostInOne-1 {
		return segments, nil
	}
	return segments[:from], segments[from:]
}

// sourcesOf opens segments to be merged with what is new.
func (p *Partition) sourcesOf(folded []segment, d *counter.Delta) func() ([]source, error) {
	return func() ([]source, error) {
		var all []source
		for _, s := range folded {
			r, err := openSegment(p.called(s), heldFile{bytes.NewReader(s.Data)}, io.Discard)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return append(all, &deltaSource{d.Parts()}), nil
	}
}

// check says what is wrong with a segment of a manifest: it names a file, or lies in it.
func (s *segment) check(file string) error {
	if s.Name == "" && len(s.Data) >= headerSize && s.Size == int64(len(s.Data)) {
		return nil
	}
	if _, isManifest, ok := generationOf(s.Name); !ok || isManifest || s.Size < headerSize || s.Data != nil {
		return damage(file, 0, "names a segment %q of %d bytes", s.Name, s.Size)
	}
	return nil
}
