package reprice_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// planted are bugs of the first rating: a statement of a file, and what stands there instead where the bug is alive.
var planted = []struct{ what, file, right, wrong string }{
	{"a quota one too large", "measure.go", `return sources, quota`, `sources[0].left = sources[0].left.Add(one); return sources, quota`},
	{"a block that is full counts as begun", "price.go", blockRule, `if partialBlock != free { n = n.Add(one) }`},
	{"a block that is begun is free", "price.go", blockRule, ``},
	{"rounded down", "amount.go", `return f.num.Round(digits)`, `return f.num.RoundFloor(digits)`},
	{"half to even", "amount.go", `return f.num.Round(digits)`, `return f.num.RoundBank(digits)`},
	{"the total rounded, not the lines", "line.go", `r.total = sum(r.total, amount)`, `r.total = sum(r.total, exact.num)`},
	{"packages from the day of purchase", "draw.go", `from = bought.AddDays(1)`, `from = bought`},
	{"the package bought first, not the one that expires", "draw.go", `return s.until`, `return s.bought`},
	{"the anchor day is lost", "contract.go", `offset, from = offset+p.months, p.until`, `anchor.Day = min(anchor.Day, 28); offset, from = offset+p.months, p.until`},
	{"the day of suspension is in use", "service.go", "if day.Before(suspended) {\n\t\treturn false\n\t}", `if !suspended.Before(day) { return false }`},
	{"a plan fee in the month of activation", "fee.go", `return !(first == 0 && r.c.acc.established) && r.Month == calendar.DateOf(r.c.steps[first].at).Month`, `return false`},
	{"renewed in arrears", "contract.go", "if p.Book.Rules.Renewal != refused {\n\t\treturn t\n\t}", `return t`},
	{"a package of one app covers all", "draw.go", `take = decimal.Min(n, s.left, p.own[s.app])`, `take = decimal.Min(n, s.left)`},
	{"agents outlive their desk", "itemlife.go", `return earlier(until, end)`, `return until`},
	{"the share of days after an expiry", "service.go", `return touches && (s.MonthUsage == shareOfDays || h.cause == causeArrears)`, `return touches`},
	{"what came late restates every package", "late.go", `b.keepUnsettled(&v, of[v.Account])`, ``},
	{"an add-on is charged in the month of the change", "fee.go", `return "free: switched on in the month in which the version changed"`, `return ""`},
	{"late facts are billed whole", "late.go", `l.add(line, now, was)`, `was.amount = decimal.Zero; l.add(line, now, was)`},
	{"the day of refund is not used", "refund.go", `days++`, ``},
	{"the highest tier for all", "price.go", `sum = sum.Add(n.Mul(t.UnitPrice))`, `sum = top.Mul(t.UnitPrice)`},
}

const blockRule = "if rest.IsPositive() && partialBlock != free {\n\t\tn = n.Add(one)\n\t}"

// TestPlantedBugs plants bugs in the first rating, one at a time, and has TestAgree find each. They are all built into one test
// program, and a number in its environment says which one is alive.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test program")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	texts := map[string]string{}
	for i, b := range planted {
		text, ok := texts[b.file]
		if !ok {
			source, err := os.ReadFile(filepath.Join(root, "rating", b.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(source)
		}
		if !strings.Contains(text, b.right) {
			t.Fatalf("%s: %q is not in rating/%s: plant the bug elsewhere", b.what, b.right, b.file)
		}
		texts[b.file] = strings.ReplaceAll(text, b.right, fmt.Sprintf("if alive == \"%d\" {\n%s\n} else {\n%s\n}", i+1, b.wrong, b.right))
	}
	texts["planted.go"] = "package rating\n\nimport \"os\"\n\nvar alive = os.Getenv(\"HEADCOUNT_PLANTED\")\n"
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range texts {
		at := filepath.Join(dir, file)
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, "rating", file)] = at
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "planted.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(number int, cases int) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, "-test.run", "^TestAgree$", "-agree-cases", fmt.Sprint(cases))
		cmd.Env = append(os.Environ(), fmt.Sprintf("HEADCOUNT_PLANTED=%d", number))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(0, 30); err != nil {
		t.Fatalf("without a bug: %v\n%s", err, out)
	}
	for i, b := range planted { // it ends with the first case that shows the bug; of the rarest, one in some thousands does
		if out, err := run(i+1, 20_000); err == nil || !strings.Contains(out, "alone has") && !strings.Contains(out, "of what came late") {
			t.Errorf("%s: not found, %v\n%s", b.what, err, out)
		}
	}
}
