package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"headcount/internal/canonical"
)

// standing is what the ledger knows of a revision and its document does not say: it follows the status there.
type standing struct {
	Released *printedAct `json:"released,omitempty"`
	Amended  *printedAct `json:"amended,omitempty"`
	Number   string      `json:"number,omitempty"`
	Issued   string      `json:"issued,omitempty"`
	Due      string      `json:"due,omitempty"`
	Corrects string      `json:"corrects,omitempty"`
}

type printedAct struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
	At     string `json:"at"`
}

func (x *Act) printed() *printedAct {
	if x == nil {
		return nil
	}
	return &printedAct{x.Reason, x.By, formatTime(x.At)}
}

// stand writes into an invoice's document how it stands, and leaves every other byte as it is.
func (v *Invoice) stand() error {
	s := standing{Released: v.Release.printed(), Amended: v.Amended.printed()}
	if n := v.Number; n != nil {
		s.Number, s.Issued, s.Due, s.Corrects = n.Number, n.Issued, n.Due, n.Corrects
	}
	note, err := canonical.Marshal(s)
	if err != nil {
		return err
	}
	if s == (standing{}) {
		return nil
	}
	start, end, err := statusIn(v.Document)
	if err != nil {
		return err
	}
	status, members := v.Document[start:end], note[1:len(note)-1]
	if v.Release != nil {
		status = []byte(`"` + Final + `"`)
	}
	v.Document = slices.Concat(v.Document[:start], status, []byte(","), members, v.Document[end:])
	return nil
}

// statusIn says where the value of the status lies in an invoice's document.
func statusIn(document []byte) (start, end int64, err error) {
	d := json.NewDecoder(bytes.NewReader(document))
	if _, err := d.Token(); err != nil {
		return 0, 0, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return 0, 0, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return 0, 0, err
		}
		if name == "status" {
			end := d.InputOffset()
			return end - int64(len(value)), end, nil
		}
	}
	return 0, 0, errors.New("no status in the document")
}
