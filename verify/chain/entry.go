package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// entry is one link of the chain.
type entry struct {
	seq                                      int64
	kind, month, at, payload, previous, hash string
}

// beforeFirst stands for the hash of what comes before the first entry.
var beforeFirst = strings.Repeat("0", 2*sha256.Size)

// sum returns the hash that follows from the entry's content.
func (e *entry) sum() string {
	text := strings.Join([]string{"headcount ledger entry 1", e.previous, strconv.FormatInt(e.seq, 10), e.kind, e.month, e.at, e.payload}, "\n")
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// digest names a document by its content, as payloads do.
func digest(document []byte) string {
	sum := sha256.Sum256(document)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// instant is the one form of a time in the ledger.
const instant = "2006-01-02T15:04:05.000Z"

func parseInstant(text string) (time.Time, error) {
	t, err := time.Parse(instant, text)
	if err != nil {
		return t, fmt.Errorf("time %q: want the form %s", text, instant)
	}
	return t, nil
}

// What a caller may branch on, with errors.Is.
var (
	ErrNotFound    = errors.New("not in the ledger")
	ErrUnreachable = errors.New("the database cannot be reached")
)

// Difference is the first place where the tables are not what the chain says.
type Difference struct {
	Seq    int64  // of the entry; 0: of none
	Kind   string // of the entry
	Table  string
	Row    string // what names it, as name=value
	Column string // empty: the row as a whole
	Want   string // by the chain
	Got    string // in the table
}

func (d *Difference) Error() string {
	where := d.Table
	if d.Row != "" {
		where += " " + d.Row
	}
	if d.Column != "" {
		where += ", column " + d.Column
	}
	if d.Seq != 0 && d.Table != entries.name {
		where += fmt.Sprintf(" (entry %d, %s)", d.Seq, d.Kind)
	}
	return "ledger differs from its chain: " + where + ": want " + d.Want + ", got " + d.Got
}

// show writes a cell for a message, never longer than a line.
func show(cell any) string {
	switch c := cell.(type) {
	case nil:
		return "NULL"
	case content:
		return "a document with " + string(c)
	case []byte:
		return fmt.Sprintf("%d bytes with %s", len(c), digest(c))
	case string:
		if len(c) > 80 {
			return strconv.Quote(c[:80]) + "…"
		}
		return strconv.Quote(c)
	default:
		return fmt.Sprint(c)
	}
}
