package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"headcount/counter"
	"headcount/events"
)

var (
	// ErrNotSealed says that a partition has no sealed index of a month.
	ErrNotSealed = errors.New("not sealed")
	// ErrDiffers says that a month is sealed already, with another content than was counted now.
	ErrDiffers = errors.New("is there with another content")
)

const (
	indexKind    = "index"
	indexVersion = 3
	indexSuffix  = ".index"
	dataSuffix   = ".data"
)

// Index is the document that makes a month of a partition sealed. Its creation is the commit. All but Data is a function of
// rules and log.
type Index struct {
	Cluster      string
	TopicID      string
	Partition    events.Partition
	Month        events.Month
	Offset       events.Offset // of the seal
	SealID       string
	SealHash     string
	RulesHash    string
	KeyID        string
	Precision    int
	Unattributed Stretch
	Events       uint64 // of all apps, as are the next five
	Duplicates   uint64
	Skewed       uint64
	Attributed   Stretch
	Apps         uint64
	Rows         uint64
	LateApps     uint64 // of the month before
	LateRows     uint64
	Data         string // name of the data file, in the index's folder
	Size         int64
	Sum          string
	Remarks      []Remark       // of the stretch that ends with the seal, sorted; since version 3
	RemarkedFrom events.Offset  // what of it lies before has none; 0: nothing, −1: all
	Open         []events.Month // that came after it and had events before the seal, sorted; since version 3; nil: not told
}

func (x *Index) describe(f *form) {
	f.string(`{"cluster":`, &x.Cluster)
	f.string(`,"topic_id":`, &x.TopicID)
	number(f, `,"partition":`, &x.Partition)
	f.text(`,"month":`, &x.Month)
	number(f, `,"offset":`, &x.Offset)
	f.string(`,"seal_id":`, &x.SealID)
	f.string(`,"seal_hash":`, &x.SealHash)
	f.string(`,"rules":`, &x.RulesHash)
	f.string(`,"key_id":`, &x.KeyID)
	number(f, `,"precision":`, &x.Precision)
	x.Unattributed.describe(f, `,"unattributed":{`)
	number(f, `,"events":`, &x.Events)
	number(f, `,"duplicates":`, &x.Duplicates)
	number(f, `,"skewed":`, &x.Skewed)
	x.Attributed.describe(f, `,"attributed":{`)
	number(f, `,"apps":`, &x.Apps)
	number(f, `,"rows":`, &x.Rows)
	number(f, `,"late_apps":`, &x.LateApps)
	number(f, `,"late_rows":`, &x.LateRows)
	f.string(`,"data":`, &x.Data)
	number(f, `,"size":`, &x.Size)
	f.string(`,"sha256":`, &x.Sum)
	if f.version >= openSince {
		list(f, `,"open":`, &x.Open, func(m *events.Month, f *form) { f.text("", m) })
	}
	describeRemarks(f, &x.Remarks, &x.RemarkedFrom)
	f.literal("}")
}

// openSince is the version of indexes from which on they name the months that were open.
const openSince = 3

// same says whether two indexes say the same of a month; of what an older one does not tell they do.
func (x *Index) same(o *Index) bool {
	a, b := *x, *o
	if a.Open == nil || b.Open == nil {
		a.Open, b.Open = nil, nil
	}
	a.Remarks, b.Remarks, a.RemarkedFrom, b.RemarkedFrom = nil, nil, 0, 0
	return reflect.DeepEqual(&a, &b) && x.sameRemarks(o)
}

// Stretch is counter.Stretch, as documents have it.
type Stretch struct {
	Expired   uint64
	Rejected  uint64
	OverLimit uint64

	BeforeBooks uint64
}

// describe is the rest of an object, from the members of s on.
func (s *Stretch) describe(f *form, before string) {
	f.literal(before)
	number(f, `"expired":`, &s.Expired)
	number(f, `,"rejected":`, &s.Rejected)
	number(f, `,"over_limit":`, &s.OverLimit)
	number(f, `,"before_books":`, &s.BeforeBooks)
	f.literal("}")
}

func indexName(m events.Month) string { return m.String() + indexSuffix }

func monthOfIndex(file string) (events.Month, bool) {
	base, ok := strings.CutSuffix(file, indexSuffix)
	if !ok {
		return 0, false
	}
	m, err := events.ParseMonth(base)
	return m, err == nil
}

// Seal makes a sealed month durable: data file first, then the index. Where the month is sealed already, with the same
// content, nothing is written, except for a data file that is gone or damaged, which is restored; another content is an error
// naming both. Several may seal the same month at once.
func (p *Partition) Seal(ctx context.Context, z *counter.Sealed) (*Index, error) {
	if z.Partition != p.id.Partition {
		return nil, fmt.Errorf("seal %s of %s: what was sealed is of partition %d", z.Month, p, z.Partition)
	}
	x, err := p.seal(ctx, z)
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", z.Month, p, err)
	}
	return x, nil
}

func (p *Partition) seal(ctx context.Context, z *counter.Sealed) (*Index, error) {
	there, err := p.Index(ctx, z.Month)
	if err == nil {
		return there, p.agree(ctx, there, z)
	}
	if !errors.Is(err, ErrNotSealed) {
		return nil, err
	}
	x := p.newIndex(z)
	x.Data = fmt.Sprintf("%s-%s%s", z.Month, newName(p.bucket), dataSuffix)
	if err := createData(ctx, p.bucket, p.sealed+x.Data, func(w io.Writer) error { return x.write(w, z) }); err != nil {
		return nil, err
	}
	doc, err := encodeDocument(indexKind, indexVersion, x)
	if err != nil {
		return nil, err
	}
	err = createBytes(ctx, p.bucket, p.sealed+indexName(z.Month), doc) // the commit point
	if err != nil && !errors.Is(err, ErrFatal) {
		// Another was faster, or it was created all the same.
		there, e := p.Index(ctx, z.Month)
		if e != nil {
			return nil, errors.Join(err, e)
		}
		if there.Data != x.Data {
			p.bucket.Delete(ctx, p.sealed+x.Data) // what stays is swept by the next Seal
		}
		return there, p.agree(ctx, there, z)
	}
	if err != nil {
		return nil, err
	}
	p.sweepData(ctx, x)
	return x, nil
}

func (p *Partition) newIndex(z *counter.Sealed) *Index {
	return &Index{
		Cluster: p.id.Cluster, TopicID: p.id.TopicID, Partition: p.id.Partition, Month: z.Month, Offset: z.Offset,
		SealID: z.SealID, SealHash: z.SealHash, RulesHash: z.RulesHash, KeyID: z.KeyID, Precision: z.Precision,
		Unattributed: Stretch(z.Unattributed), Remarks: recordRemarks(z.Remarks), RemarkedFrom: z.RemarkedFrom, Open: append([]events.Month{}, z.Open...),
	}
}

// write puts out the data file and notes what the index says of it.
func (x *Index) write(w io.Writer, z *counter.Sealed) error {
	sum := newSummed(w)
	counts, totals, err := writeSealed(sum, z)
	if err != nil {
		return err
	}
	x.Size, x.Sum = sum.size, sum.sum()
	x.Events, x.Duplicates, x.Skewed = totals.counters.Events, totals.counters.Duplicates, totals.counters.Skewed
	x.Attributed = Stretch(totals.stretch)
	x.Apps, x.Rows, x.LateApps, x.LateRows = counts.apps, counts.rows, counts.lateApps, counts.lateRow
	return nil
}

// agree compares an index that is there with what was sealed now, and restores its data file where that does not verify.
func (p *Partition) agree(ctx context.Context, there *Index, z *counter.Sealed) error {
	x := p.newIndex(z)
	if err := x.write(io.Discard, z); err != nil {
		return err
	}
	x.Data = there.Data
	if !x.same(there) {
		have, _ := encodeDocument(indexKind, indexVersion, there)
		want, _ := encodeDocument(indexKind, indexVersion, x)
		return fmt.Errorf("%s%s %w: it says\n%s\nwhere this count has\n%s\nnothing was changed; find out which of the two is right; where the log was replaced, accepting that loss lets stand what was sealed", p.sealed, indexName(z.Month), ErrDiffers, have, want)
	}
	err := p.checkData(ctx, there)
	if errors.Is(err, ErrDamaged) {
		// The content is known to be what the index says, so the file can be put back, byte for byte.
		if err := p.bucket.Delete(ctx, p.sealed+there.Data); err != nil {
			return err
		}
		err = createData(ctx, p.bucket, p.sealed+there.Data, func(w io.Writer) error { return x.write(w, z) })
		if errors.Is(err, ErrExists) {
			err = p.checkData(ctx, there)
		}
	}
	if err != nil {
		return err
	}
	p.sweepData(ctx, there)
	return nil
}

func (p *Partition) checkData(ctx context.Context, x *Index) error {
	f, err := p.bucket.Open(ctx, p.sealed+x.Data)
	if err != nil {
		return missing(err)
	}
	defer f.Close()
	return checkSum(ctx, p.sealed+x.Data, f, x.Size, x.Sum)
}

// sweepData removes the data files of the month that its index does not name: nothing can name them any more. Best effort.
func (p *Partition) sweepData(ctx context.Context, x *Index) {
	names, err := p.bucket.List(ctx, p.sealed+x.Month.String()+"-")
	if err != nil {
		return
	}
	for _, name := range names {
		if strings.HasSuffix(name, dataSuffix) && name != p.sealed+x.Data {
			p.bucket.Delete(ctx, name)
		}
	}
}

// Index returns the sealed index of a month, ErrNotSealed where there is none. What it returns lasts.
func (p *Partition) Index(ctx context.Context, m events.Month) (*Index, error) {
	file := p.sealed + indexName(m)
	text, err := readAll(ctx, p.bucket, file, maxDocument)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%s of %s: %w", m, p, ErrNotSealed)
	}
	if err != nil {
		return nil, err
	}
	x := &Index{}
	if err := decodeDocument(file, text, indexKind, indexVersion, x); err != nil {
		return nil, fmt.Errorf("%w: restore it from a backup; or delete it, and let the partition be counted again", err)
	}
	if got := (counter.Identity{Cluster: x.Cluster, TopicID: x.TopicID, Partition: x.Partition}); got != p.id || x.Month != m {
		return nil, damage(file, 0, "it is of %s of %+v, want %s of %+v: was it copied from elsewhere?", x.Month, got, m, p.id)
	}
	if CheckName(x.Data) != nil || strings.Contains(x.Data, "/") || x.Precision < 2 || x.Precision > 16 {
		return nil, damage(file, 0, "it names the data file %q, with precision %d", x.Data, x.Precision)
	}
	// A checkpoint past the seal, or a bill, is about to depend on it.
	if err := persist(ctx, p.bucket, file); err != nil {
		return nil, err
	}
	return x, nil
}

// SealedFiles names the files of a sealed month in the bucket.
func (p *Partition) SealedFiles(ctx context.Context, m events.Month) (index, data string, err error) {
	x, err := p.Index(ctx, m)
	if err != nil {
		return "", "", err
	}
	return p.sealed + indexName(m), p.sealed + x.Data, nil
}

// SealedMonths returns the months that have an index, sorted. A list may be out of date: what follows its last month is asked for
// by name, since a partition's months are sealed one after the other.
func (p *Partition) SealedMonths(ctx context.Context) ([]events.Month, error) {
	names, err := p.bucket.List(ctx, p.sealed)
	if err != nil {
		return nil, fmt.Errorf("list sealed months of %s: %w", p, err)
	}
	var months []events.Month
	for _, name := range names {
		if m, ok := monthOfIndex(strings.TrimPrefix(name, p.sealed)); ok {
			months = append(months, m)
		}
	}
	slices.Sort(months)
	if len(months) > 0 {
		last := months[len(months)-1]
		newest, err := p.sealedAfter(ctx, last)
		if err != nil {
			return nil, err
		}
		for m := last + 1; m <= newest; m++ {
			months = append(months, m)
		}
	}
	return months, nil
}

// sealedAfter returns the newest of the months from m on that are sealed one after the other; m where the next one is not.
func (p *Partition) sealedAfter(ctx context.Context, m events.Month) (events.Month, error) {
	for {
		there, err := has(ctx, p.bucket, p.sealed+indexName(m+1))
		if err != nil {
			return 0, fmt.Errorf("look for sealed months of %s: %w", p, err)
		}
		if !there {
			return m, nil
		}
		m++
	}
}

// SealedBefore returns the newest month, of those after one and up to another, whose seal lies before an offset of the log; 0: there is
// none. It asks for each by its name: a list may be out of date, and be empty.
func (p *Partition) SealedBefore(ctx context.Context, offset events.Offset, after, until events.Month) (m events.Month, sealHash string, err error) {
	for m := until; m > after; m-- {
		x, err := p.Index(ctx, m)
		if err == nil && x.Offset < offset {
			return m, x.SealHash, nil
		}
		if err != nil && !errors.Is(err, ErrNotSealed) {
			return 0, "", err
		}
	}
	return 0, "", nil
}

// SealedMonth is a sealed month, open. Its readers are independent of each other.
type SealedMonth struct {
	Index *Index
	data  *sealedFile
}

// OpenSealed opens a sealed month; what it reads has the size and SHA-256 that the index says.
func (p *Partition) OpenSealed(ctx context.Context, m events.Month) (_ *SealedMonth, err error) {
	x, err := p.Index(ctx, m)
	if err != nil {
		return nil, err
	}
	f, err := p.bucket.Open(ctx, p.sealed+x.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: restore it from a backup; or count the partition again, which restores it", missing(err))
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := checkSum(ctx, p.sealed+x.Data, f, x.Size, x.Sum); err != nil {
		return nil, fmt.Errorf("%w: restore it from a backup; or count the partition again, which restores it", err)
	}
	data, err := openSealed(p.sealed+x.Data, f, x.Precision)
	if err != nil {
		return nil, err
	}
	return &SealedMonth{Index: x, data: data}, nil
}

// OnTime returns a reader of the month's facts.
func (s *SealedMonth) OnTime() counter.RowReader { return s.data.onTime() }

// Late returns a reader of the facts of the month before that lie after its seal.
func (s *SealedMonth) Late() counter.RowReader { return s.data.late() }

// Close closes the data file.
func (s *SealedMonth) Close() error { return s.data.file.Close() }
