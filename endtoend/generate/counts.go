package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"headcount/endtoend/month"
)

// tally counts the devices of a clean month as it is made, by looking at the bytes of its records: what whoever reads them must
// come to. Not for a month with odd records, whose members may lie anywhere and whose ids have several spellings.
type tally struct {
	devices map[string]map[[16]byte]uint8 // app → GUID → kinds
	err     error
}

// Counts are the devices of an app: those that did each kind, and those that did any.
type Counts struct {
	Open        int `json:"open"`
	Search      int `json:"search"`
	Predownload int `json:"predownload"`
	Any         int `json:"any"`
}

var kinds = map[string]uint8{
	"miniprogram.open": 1, "minigame.open": 1, "miniprogram.search": 2, "minigame.search": 2, "miniprogram.predownload": 4, "minigame.predownload": 4,
}

// of looks at every record that next makes.
func (t *tally) of(next func(*month.Record) bool) func(*month.Record) bool {
	t.devices = map[string]map[[16]byte]uint8{}
	return func(rec *month.Record) bool {
		more := next(rec)
		if more {
			t.add(rec.Value)
		}
		return more
	}
}

func (t *tally) add(value []byte) {
	kind := kinds[string(member(value, `"type":"`))]
	if kind == 0 {
		return
	}
	subject, name := member(value, `"subject":"`), member(value, `"superapp":"`)
	digits := bytes.ReplaceAll(subject, []byte("-"), nil)
	var id [16]byte
	if len(digits) != 2*len(id) {
		t.err = fmt.Errorf("--counts: the GUID %q is no UUID", subject)
		return
	}
	if _, err := hex.Decode(id[:], digits); err != nil {
		t.err = fmt.Errorf("--counts: the GUID %q: %w", subject, err)
		return
	}
	app := t.devices[string(name)]
	if app == nil {
		app = map[[16]byte]uint8{}
		t.devices[string(name)] = app
	}
	app[id] |= kind
}

// member returns the text after a member's name, up to the next quotation mark.
func member(value []byte, name string) []byte {
	_, rest, _ := bytes.Cut(value, []byte(name))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	return text
}

func (t *tally) write(name string) error {
	if t.err != nil {
		return t.err
	}
	apps := map[string]Counts{}
	for app, devices := range t.devices {
		c := Counts{Any: len(devices)}
		for _, did := range devices {
			c.Open += int(did & 1)
			c.Search += int(did >> 1 & 1)
			c.Predownload += int(did >> 2 & 1)
		}
		apps[app] = c
	}
	text, err := json.Marshal(map[string]any{"apps": apps})
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
