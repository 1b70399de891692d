package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"headcount/rating"
)

// Reasons of the program that no schema can have: what refers to another field, such as the currency's decimals, and an order among
// several.
var beyondSchema = []string{
	"no bill can hold it", "is not one of the account's", "remain of", "is there twice, first in line", "looks like", // of accounts
	"unknown meter", "unknown plan", "requires an unknown item", "does too", "has no daily units", "tiers rise", "].up_to: unknown field", "misses the field up_to", // of books
}

// values are what mutations put in place of others: right in one field, wrong in the next.
var values = []any{
	nil, true, 0, 1, 12, 28, 29, 1_000_000_000, -1, 1.5, "", " ", "\u200b", "\t", "a", "A", "auto", "bill", "report", "undated", "contract", "mau", "0", "1", "010", "-1", "1.5",
	"0.015", "1e3", ".5", "5.", "200_000", "1234567890123456789", "0.1234567890123456789", "2026-01-31", "2026-02-29", "2024-02-29", "2026-2-1", "2026-02-30", "1969-12-31",
	"2200-01-01", "2026-01-31T09:00:00Z", "2026-01-31T9:00:00Z", "2026-01-31T09:00:00+08:00", "2026-01-31T24:00:00Z", "2026-01-31 09:00:00Z", "2026-01-31T09:00:00.5Z", "2026-06",
	"2026-13", "1 month", "12 months", "1 year", "0 months", "1201 months", "1200 years", "1 week", "tcmpp/pro", "tcmpp", "a/b/c", "/a", "USD", "usd", "app", "account", "daily",
	"19%", "0.19", "101%", "100.0%", "1.01", "1.0", "007%", "0.1234567%", "net 14", "net 0", "net 366", "net 007", "net", "month", "year", "ahead", "after", "once", "blocks", "graduated", "flat", "unique", "counter", "included", "every", "refused", []any{}, []any{"a"}, []any{"a", "a"},
	map[string]any{}, map[string]any{"hours": 1}, map[string]any{"days": 1, "hours": 1}, map[string]any{"min": 1, "max": 2},
}

var renames = []string{"x", "until", "term", "fee", "free", "mau.free", "mau.price", "plan.fee", ".free", "push.block", "a.unit_price", "hours", "days", "tiers", "block", "per", "Upper", "30", "031", "kinds", "app"}

// mutate changes a document in one place.
func mutate(d *rand.Rand, doc any) {
	type place struct {
		put    func(any)
		remove func()
		rename func(string)
	}
	var places []place
	var walk func(v any, put func(any))
	walk = func(v any, put func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				set := func(x any) { v[k] = x }
				places = append(places, place{set, func() { delete(v, k) }, func(to string) { x := v[k]; delete(v, k); v[to] = x }})
				walk(v[k], set)
			}
		case []any:
			for i := range v {
				set := func(x any) { v[i] = x }
				places = append(places, place{set, func() { set(nil) }, func(string) { put(append(v, v[i])) }})
				walk(v[i], set)
			}
		}
	}
	walk(doc, func(any) {})
	if len(places) == 0 {
		return
	}
	at := places[d.IntN(len(places))]
	switch d.IntN(6) {
	case 0:
		at.remove()
	case 1:
		at.rename(renames[d.IntN(len(renames))])
	default:
		at.put(values[d.IntN(len(values))])
	}
}

// TestSchemaAndProgramAgree has random files that the schema takes and the program refuses, or the other way round: none.
func TestSchemaAndProgramAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	accounts := []string{`{"accounts":[
		{"id":"acme","apps":["a","b"],"plan":"mpaas/standard","from":"2026-01-01","until":"2027-01-01","term":"1 year","renew":"auto","late":"report",
		 "overrides":{"push.free":"5","gateway_calls.block":"10","h5.unit_price":"0.01","plan.fee":"9.5"},
		 "packages":[{"item":"mini-program","mau":50000,"price":"55440","bought":"2026-03-01","term":"1 year","app":"a"},{"item":"push","quantity":"500","price":"1","bought":"2026-03-01","remaining":"5"}]},
		{"id":"talk","apps":["c"],"plan":"chat/standard","from":"2026-06-01T08:00:00Z","changes":[{"at":"2026-07-01","plan":"chat/premium"}],
		 "addons":[{"item":"desk","from":"2026-06-01","until":"2026-09-01"},{"item":"desk_agent","from":"2026-06-01","quantity":"2","app":"c"},{"item":"history","option":90,"from":"2026-06-01"}],
		 "orders":[{"at":"2026-06-01","plan":"chat/standard","term":"1 month","cash":"300","credit":"99","voucher":"0"}],
		 "bills":[{"month":"2026-06","pushed":"2026-07-01","paid":"2026-07-02"}],"cancelled":"2026-09-01","disabled":"2026-10-01"},
		{"id":"paper","apps":["d"],"plan":"tcmpp/pro","from":"2026-01-01","name":"Paper Ltd","legal":{"address":["1 Main St","X"],"tax_id":"DE1"},"contact":"a@b",
		 "po":"4711","tags":["x","y"],"tax":{"rate":"19%","note":"VAT"},"terms":"net 14"}]}`}
	books := []string{`{"book":"b","title":"B","source":"s","date":"2026-01-01","currency":"KWD","minor_digits":3,"notes":["n"],
		"rules":{"deduct_from_day":1,"deduct_until_day":3,"draw_order":["free","package","resource_package"],"daily_bill_within_days":3},
		"suspension":{"after_expiry":{"more_than_days":7,"first_day":"excluded"},"after_bill":{"hours":24},"keep_days":90},"reminders":{"days_before":7},
		"meters":{"mau":{"title":"m","aggregate":"unique","kinds":["open"]},"calls":{"title":"c","aggregate":"counter"}},
		"plans":{"p":{"title":"P","fee":"30","term":"1 month","charges":{"mau":{"model":"graduated","tiers":[{"up_to":"50","unit_price":"0.1"},{"unit_price":"0.05"}]},"calls":{"model":"blocks","block":"7","unit_price":"1","commitment":"2"}}},
		 "r":{"title":"R","reported":true,"charges":{"mau":{"free":"5"}},"limits":{"users":"5"}}},
		"items":{"i":{"title":"I","paid":"ahead","per":"year","prices":{"p":"1.5"},"promotion":"0","promotion_last_day":"2026-01-01"},"o":{"title":"O","options":{"p":{"30":"1","90":"2"}}}},
		"packages":{"k":{"title":"K","draws":"calls"},"q":{"title":"Q","mau":{"min":1,"max":2},"covers_per_month":{"mau":"mau","calls":"5"}}}}`}
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range c.Documents() {
		var doc any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		books = append(books, string(asJSON))
	}
	for _, kind := range []struct {
		name  string
		files []string
		read  func([]byte) error
	}{
		{"accounts", accounts, func(text []byte) error { _, err := rating.ParseAccounts("f", text); return err }},
		{"book", books, func(text []byte) error { _, err := rating.ParseCatalog(map[string][]byte{"f": text}); return err }},
	} {
		s := schema(t, kind.name)
		taken, refused := 0, 0
		for i := range 400 {
			d := rand.New(rand.NewPCG(seed, uint64(i)))
			var doc any
			if err := json.Unmarshal([]byte(kind.files[i%len(kind.files)]), &doc); err != nil {
				t.Fatal(err)
			}
			for range i / len(kind.files) % 3 { // none, one or two
				mutate(d, doc)
			}
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			fits, read := s.Validate(shown), kind.read(text)
			if read == nil {
				taken++
			} else {
				refused++
			}
			beyond := read != nil && slices.ContainsFunc(beyondSchema, func(why string) bool { return strings.Contains(read.Error(), why) })
			if (fits == nil) != (read == nil) && !beyond {
				t.Errorf("%s, seed %d, file %d: the schema says %v, the program %v\n%s", kind.name, seed, i, oneLine(fits), read, text)
			}
		}
		if taken < 80 || refused < 80 {
			t.Errorf("%s: %d files are read, %d refused: not enough of both", kind.name, taken, refused)
		}
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(fmt.Sprint(err)), " ") }

// The accounts that people are shown: of README.md, and what init writes for them to uncomment.
func TestExamplesFitTheirSchema(t *testing.T) {
	s := schema(t, "accounts")
	found := 0
	for _, name := range []string{"../../README.md", "../../cmd/ingest/setup/texts.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split("\n"+strings.ReplaceAll(string(text), "\n# ", "\n"), "\naccounts:\n")[1:] {
			var lines []string
			for line := range strings.Lines(part) {
				if !strings.HasPrefix(line, " ") {
					break
				}
				lines = append(lines, line)
			}
			example := "accounts:\n" + strings.Join(lines, "")
			found++
			a, err := rating.ParseAccounts(name, []byte(example))
			if err != nil {
				t.Errorf("%v\n%s", err, example)
				continue
			}
			if err := valid(t, s, []byte(example)); err != nil || len(a.IDs()) == 0 {
				t.Errorf("%s: %v, %d accounts\n%s", name, err, len(a.IDs()), example)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d examples found", found)
	}
}
