package verify

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var plantedBugs = flag.Int("planted", 1, "how many of the planted bugs TestPlantedBugs builds and looks for; the places of all are checked")

// planted are bugs in the product: a text that its file has once, and what takes its place.
var planted = []struct{ file, text, bug string }{
	{"events/decode/verdict.go", "if !has || e.Skewed {", "if !has {"},                                                                // a wrong clock decides the month
	{"events/identity/guid.go", "case 34, 38:", "case 34:"},                                                                           // a spelling is another device
	{"events/identity/app.go", `k.derive("fp1", populationNames[p], app)`, `k.derive("fp1", populationNames[p], "")`},                 // fingerprints of no app
	{"events/identity/app.go", `k.derive("sk1", app, month)`, `k.derive("sk1", app, "")`},                                             // a salt of no month
	{"counter/tally.go", "a.New[bits.TrailingZeros32(devices)%32]++", "a.New[(31-bits.LeadingZeros32(devices))%32]++"},                // new on the last day
	{"counter/tally.go", "if events.Kind(kind) != events.Login {", "if events.Kind(kind) < events.MaxKinds {"},                        // users are devices
	{"counter/quantities.go", "return a.Revision > b.Revision", "return a.Revision < b.Revision"},                                     // the lowest revision stands
	{"counter/window.go", "w.counters.Duplicates++", "w.counters.Skewed++"},                                                           // counters mixed up
	{"counter/sketch.go", "uint8(bits.LeadingZeros64(hash<<p|1<<(p-1))) + 1", "uint8(bits.LeadingZeros64(hash<<p|1<<(p-1)))/2 + 1"},   // a blind witness
	{"rating/price.go", "if rest.IsPositive() && partialBlock != free {", "if rest.IsZero() && partialBlock != free {"},               // blocks rounded down
	{"rating/price.go", "p.exact = exactly(over.Mul(c.UnitPrice))", "p.exact = exactly(over.Mul(c.UnitPrice).Truncate(2))"},           // a fraction of a cent dropped
	{"rating/late.go", "amount := now.amount.Sub(was.amount)", "amount := now.amount"},                                                // what was billed is billed again
	{"counter/seal.go", "z.Open = s.begun()", "z.Open = nil"},                                                                         // months that had begun, and nobody told
	{"rollup/usage/judge.go", "Narrow = Bounds{K: 5.7", "Narrow = Bounds{K: 7.7"},                                                     // differences let through
	{"rollup/usage/gather.go", "out.Exact = max(out.Exact, s.ByDay[d])", "out.Exact += s.ByDay[d]"},                                   // the sum of days, not their peak
	{"rating/ledger/entry.go", "strconv.FormatInt(e.seq, 10), e.kind, e.month, e.at}", "strconv.FormatInt(e.seq, 10), e.kind, e.at}"}, // a month that no hash covers
	{"rating/ledger/invoice.go", "int64(i + 1), text(l.App)", "int64(i), text(l.App)"},                                                // lines counted from 0
	{"rating/ledger/result.go", "text(r.Account), r.Digest, r.document", "nil, r.Digest, r.document"},                                 // usage of nobody
	{"rating/payable.go", "tax := total.Mul(rate).Round(digits)", "tax := total.Mul(rate).Truncate(digits)"},                          // a tax that is cut off
	{"rating/payable.go", "v.Party, v.Terms = x.party, x.terms.String()", "v.Party = x.party"},                                        // terms that are lost
	{"rating/ledger/number.go", "n.Serial = last + 1", "n.Serial = last + 2"},                                                         // numbers with gaps
	{"rating/ledger/number.go", "calendar.DateOf(at.In(zone))", "calendar.DateOf(at.In(zone).AddDate(0, 0, 1))"},                      // issued tomorrow
}

// TestPlantedBugs builds the product with a bug in it: the second implementation must say so of random months.
func TestPlantedBugs(t *testing.T) {
	order := rand.Perm(len(planted))
	for at, i := range order {
		p := planted[i]
		path, err := filepath.Abs("../" + p.file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), p.text); n != 1 {
			t.Errorf("%s has %q %d times: the bug has lost its place", p.file, p.text, n)
			continue
		}
		if at >= *plantedBugs || testing.Short() {
			continue
		}
		folder := t.TempDir()
		broken, overlay := filepath.Join(folder, "broken.go"), filepath.Join(folder, "overlay.json")
		list, err := json.Marshal(map[string]map[string]string{"Replace": {path: broken}})
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{broken: strings.Replace(string(text), p.text, p.bug, 1), overlay: string(list)} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		binary := filepath.Join(folder, "planted.test")
		if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "headcount/verify").CombinedOutput(); err != nil {
			t.Fatalf("build with %s in %s: %v\n%s", p.bug, p.file, err, out)
		}
		out, err := exec.CommandContext(t.Context(), binary, "-test.run", "^TestRandomMonths$", "-random-cases", "60").CombinedOutput()
		switch {
		case err == nil:
			t.Errorf("%s in %s is not seen", p.bug, p.file)
		case !strings.Contains(string(out), "the recount has"):
			t.Errorf("%s in %s ends otherwise:\n%s", p.bug, p.file, out)
		default:
			_, found, _ := strings.Cut(string(out), "from sealed ")
			t.Logf("%s in %s: %.200s", p.bug, p.file, found)
		}
	}
}
