package endtoend

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms says, for each room of the house, which others it may import. A folder belongs to the longest name that it begins with; within
// a room everything may import everything that is not a room of its own, but for what the next table says.
var rooms = map[string][]string{
	"internal": {}, // leaves: each is one small thing that several rooms need

	"events":        {"internal"},
	"events/stream": {"events", "internal"},

	"counter":            {"events", "internal"},
	"counter/checkpoint": {"counter", "events", "internal"},

	"rating":        {"internal"},
	"rating/ledger": {"rating", "internal"},

	"ingest": {"events", "events/stream", "counter", "counter/checkpoint", "internal"},
	"rollup": {"events", "events/stream", "counter", "counter/checkpoint", "rating", "rating/ledger", "ingest", "internal"},

	"verify": {}, // a second implementation shares no code with the first

	"cmd":      {"events", "events/stream", "counter", "counter/checkpoint", "rating", "rating/ledger", "ingest", "rollup", "verify", "internal"},
	"deploy":   {"internal"},
	"bench":    {"events", "events/stream", "counter", "counter/checkpoint", "endtoend", "internal"},
	"endtoend": {"events", "events/stream", "counter", "counter/checkpoint", "rating", "rating/ledger", "ingest", "rollup", "internal"},
}

// within says which folders of their own room some folders may import; the others may import all.
var within = map[string][]string{
	"events":             {"events/identity"}, // words know no decoder and no signature
	"events/identity":    {},
	"events/decode":      {"events", "events/identity", "events/signed"}, // a quantity is signed
	"events/signed":      {"events"},
	"counter":            {"counter/dictionary"},
	"counter/dictionary": {},
	"rating":             {}, // a pure function knows no book

	"events/stream/wire":    {},
	"events/stream/backoff": {},
	"events/stream/batch":   {},
	"events/stream/broker":  {},
	"events/stream/group":   {"events/stream/wire", "events/stream/backoff"}, // the log serves it through a port

	"ingest/collect":         {"ingest/collect/keyring"},
	"ingest/collect/keyring": {},
	"ingest/dead":            {},

	"verify/chain":    {},
	"verify/reprice":  {},
	"verify/report":   {},
	"verify/recount":  {"verify/chain", "verify/report"},
	"ingest/worker":   {},
	"ingest/load":     {},
	"ingest/keys":     {},
	"ingest/report":   {},
	"ingest/recount":  {"ingest/worker"},
	"rollup/usage":    {},
	"rollup/closed":   {"rollup/usage"}, // what is recorded of a month, for all below
	"rollup/closing":  {"rollup/closed", "rollup/usage"},
	"rollup/amend":    {"rollup/closed", "rollup/usage"},
	"rollup/compare":  {"rollup/closed", "rollup/usage"},
	"rollup/forecast": {},
	"rollup/status":   {"rollup/closed", "rollup/forecast", "rollup/usage"},
	"rollup/export":   {"rollup/closed"},
}

// TestRooms holds what each package imports against the table: data goes one way, and nothing imports a main. Tests may import more.
func TestRooms(t *testing.T) {
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		files++
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		folder := path.Dir(filepath.ToSlash(relative))
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "github.com/prometheus/") && folder != "cmd/metrics" {
				t.Errorf("%s imports %s: libraries keep figures, and cmd/metrics alone names them", relative, name)
			}
			if to, ours := strings.CutPrefix(name, "headcount/"); ours {
				if why := forbidden(folder, to); why != "" {
					t.Errorf("%s imports %s: %s", relative, to, why)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were looked at", files)
	}
}

// TestRoomsAreHeld: the table refuses what it should.
func TestRoomsAreHeld(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"events/decode", "events/identity", true}, {"events/stream/batch", "events", true}, {"rollup/closing", "ingest/worker", true},
		{"cmd/rollup", "cmd/cli", true}, {"rating/catalog", "rating", true}, {"verify/recount", "verify/chain", true},
		{"events", "events/identity", true}, {"ingest/worker", "counter/dictionary", true},
		{"events", "events/decode", false}, {"events/decode", "events/stream", false}, {"counter", "counter/checkpoint", false},
		{"ingest/worker", "rollup/closing", false}, {"rollup/status", "cmd/cli", false}, {"verify/chain", "rating/ledger", false},
		{"rating", "events", false}, {"rating", "rating/catalog", false}, {"endtoend/sim", "cmd/site", false}, {"bench/way", "cmd/cli", false},
		{"events/stream/group", "events/stream", false}, {"verify/reprice", "verify/recount", false},
		{"rollup/amend", "rollup/closed", true}, {"rollup/amend", "rollup/closing", false}, {"rollup/closed", "rollup/amend", false},
		{"internal/strict", "events", false}, {"somewhere", "events", false}, {"events/identity", "events", false},
	} {
		if why := forbidden(tt.from, tt.to); (why == "") != tt.ok {
			t.Errorf("%s imports %s: %q", tt.from, tt.to, why)
		}
	}
}

// forbidden says why a folder may not import another; empty: it may.
func forbidden(from, to string) string {
	room, other := roomOf(from), roomOf(to)
	if room == "" || other == "" {
		return "no room of the house: give it one in this table"
	}
	if room == other {
		if may, listed := within[from]; listed && !slices.Contains(may, to) {
			return from + " may import " + strings.Join(may, ", ") + " of its room alone"
		}
		return ""
	}
	if slices.Contains(rooms[room], other) {
		return ""
	}
	return room + " may import " + strings.Join(rooms[room], ", ") + " alone"
}

func roomOf(folder string) string {
	room := ""
	for name := range rooms {
		if (folder == name || strings.HasPrefix(folder, name+"/")) && len(name) > len(room) {
			room = name
		}
	}
	return room
}
