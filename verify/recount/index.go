package recount

import (
	"context"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"headcount/verify/report"
)

type stretchJSON struct {
	Expired   uint64 `json:"expired"`
	Rejected  uint64 `json:"rejected"`
	OverLimit uint64 `json:"over_limit"`

	BeforeBooks uint64 `json:"before_books"`
}

// index is what a sealed index says.
type index struct {
	Cluster      string      `json:"cluster"`
	TopicID      string      `json:"topic_id"`
	Partition    int32       `json:"partition"`
	Month        string      `json:"month"`
	Offset       int64       `json:"offset"`
	SealID       string      `json:"seal_id"`
	SealHash     string      `json:"seal_hash"`
	RulesHash    string      `json:"rules"`
	KeyID        string      `json:"key_id"`
	Precision    int         `json:"precision"`
	Unattributed stretchJSON `json:"unattributed"`
	Events       uint64      `json:"events"`
	Duplicates   uint64      `json:"duplicates"`
	Skewed       uint64      `json:"skewed"`
	Attributed   stretchJSON `json:"attributed"`
	Apps         uint64      `json:"apps"`
	Rows         uint64      `json:"rows"`
	LateApps     uint64      `json:"late_apps"`
	LateRows     uint64      `json:"late_rows"`
	Data         string      `json:"data"`
	Size         int64       `json:"size"`
	Sum          string      `json:"sha256"`
	Open         *[]string   `json:"open"` // months that came after it and had events before the seal; nil: a release that did not tell sealed it

	Remarks      []remarkJSON `json:"remarks"`
	RemarkedFrom int64        `json:"remarked_from"`
	hasRemarks   bool

	file, data string
}

// readIndex reads a sealed index.
func readIndex(ctx context.Context, files Files, file string) (*index, error) {
	text, err := readFile(ctx, files, file)
	if err != nil {
		return nil, err
	}
	x := &index{file: file, hasRemarks: true}
	doc, err := openDocument(text, "index", 3)
	if err != nil {
		x.hasRemarks = false
		if doc, err = openDocument(text, "index", 2); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(doc, x, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if x.Precision < 2 || x.Precision > 16 {
		return nil, fmt.Errorf("precision %d cannot be", x.Precision)
	}
	return x, nil
}

// SealedFile is a partition's sealed month.
type SealedFile struct {
	*index
	in io.Closer
	r  *sealedReader
}

// Sealed are the sealed months of partitions.
type Sealed map[int32]*SealedFile

// Close closes the files.
func (s Sealed) Close() {
	for _, f := range s {
		f.in.Close()
	}
}

// OpenSealed opens the sealed month of every partition that has one, to be read once.
func OpenSealed(ctx context.Context, s *Subject, r *report.Report) Sealed {
	files := Sealed{}
	for _, id := range s.Closing.Partitions {
		f, broken := openSealed(ctx, s.Files, s.folder, id, s.Closing.Month)
		if broken != nil {
			r.Unreadable(broken)
			continue
		}
		r.Same("sealed index", f.SealID, s.Closing.SealID, "%s: seal_id, by the ledger's closing", f.file)
		r.Same("sealed index", f.RulesHash, s.Closing.RulesHash, "%s: rules, by the ledger's closing", f.file)
		files[id] = f
	}
	return files
}

// openSealed opens a partition's sealed month in a topic's folder.
func openSealed(ctx context.Context, files Files, topic string, id int32, month string) (*SealedFile, *report.Unreadable) {
	folder := fmt.Sprintf("%s/%d/sealed/", topic, id)
	x, err := readIndex(ctx, files, folder+month+".index")
	if err != nil {
		return nil, &report.Unreadable{What: "sealed index", File: folder + month + ".index", Want: "an index that can be read", Err: err}
	}
	x.data = folder + x.Data
	f, err := files.Open(ctx, x.data)
	if err != nil {
		return nil, &report.Unreadable{What: "sealed files", File: x.data, Want: "a file", Err: err}
	}
	in, err := newSealedReader(f, x.Precision)
	if err != nil {
		f.Close()
		return nil, &report.Unreadable{What: "sealed files", File: x.data, Want: "a file that can be read", Err: err}
	}
	return &SealedFile{x, f, in}, nil
}
