package rating_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

func file(name, text string) rating.AccountsFile {
	return rating.AccountsFile{Name: name, Data: []byte(text)}
}

const (
	acmeYAML = "accounts:\n  - id: acme\n    apps: [b, a]\n    plan: tcmpp/pro\n    from: 2026-01-01\n    overrides: {mau.unit_price: \"0.012\", mau.free: '5'}\n    tags: [north, key]\n    legal: {address: [1 High Street, Leeds], tax_id: GB123}\n"
	betaYAML = "accounts: [{id: beta, apps: [c], plan: im/trial, from: 2026-01-01, changes: [{at: 2026-02-10, plan: im/pro}]}]\n"
	both     = "id,apps,plan,from,overrides.mau.unit_price,overrides.mau.free,changes,tags,legal.address,legal.tax_id\n" +
		"acme,a b,tcmpp/pro,2026-01-01,0.012,5,,\"[north, key]\",\"[\"\"1 High Street\"\", Leeds]\",GB123\n" +
		"beta,c,im/trial,2026-01-01,,,\"[{at: 2026-02-10, plan: im/pro}]\",,,\n"
	rows = "\xef\xbb\xbfapp;id;plan;from;overrides.mau.unit_price;overrides.mau.free;changes;tags;legal.address;legal.tax_id\n" +
		"b;acme;tcmpp/pro;2026-01-01;0.012;5;;[north, key];[1 High Street, Leeds];GB123\n" +
		"c;beta;im/trial;2026-01-01;;;[{at: 2026-02-10, plan: im/pro}];;;\n" +
		"a;acme;tcmpp/pro;;;5;;;;\n"
)

// However accounts are spread over files, and in whichever form, the same are read, and a closing keeps the same of them.
func TestAccountsOfAllForms(t *testing.T) {
	cat := builtin(t)
	in := rating.Input{Month: mustMonth("2026-03"), Catalog: cat, Usage: rating.Usage{Month: mustMonth("2026-03"), Apps: []rating.AppUsage{useOf("a", "mau", 500), useOf("b", "mau", 500), useOf("c", "peak_dau", 20000)}}}
	var want []rating.Invoice
	var kept []map[string]any
	for name, files := range map[string][]rating.AccountsFile{
		"folder":         {file("d/1.yaml", acmeYAML), file("d/2.yaml", betaYAML)},
		"other way":      {file("d/1.yml", betaYAML), file("d/2.yml", acmeYAML)},
		"with none":      {file("d/0.yaml", "accounts: []\n"), file("d/1.yaml", betaYAML), file("d/2.yaml", acmeYAML), file("d/3.csv", "id,apps,plan,from\n")},
		"table":          {file("accounts.csv", both)},
		"commas":         {file("accounts.csv", strings.Replace(both, "acme,a b,", "acme,\"a, b\",", 1))},
		"a row an app":   {file("accounts.CSV", rows)},
		"table and YAML": {file("d/a.csv", strings.SplitAfter(both, "GB123\n")[0]), file("d/b.yaml", betaYAML)},
	} {
		a, err := rating.ReadAccounts(files...)
		if err == nil {
			err = a.Check(cat, time.UTC)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		document, err := rating.AccountsDocument(files...)
		if err != nil {
			t.Fatal(err)
		}
		again, err := rating.ParseAccounts("closing", document)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, document)
		}
		for _, x := range []*rating.Accounts{a, again} {
			in.Accounts = x
			got, err := rating.Rate(in)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if len(got) != 2 || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		if all := accountsOf(t, document); kept == nil {
			kept = all
		} else if !reflect.DeepEqual(all, kept) {
			t.Errorf("%s: keeps %v, want %v", name, all, kept)
		}
	}
}

// accountsOf reads a kept document as what it says: the order of fields and of apps says nothing.
func accountsOf(t *testing.T, document []byte) (all []map[string]any) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSuffix(string(document), "\n"), "\n") {
		if i == 0 {
			if line != "accounts:" {
				t.Fatalf("begins with %q", line)
			}
			continue
		}
		var x map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "- ")), &x); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		slices.SortFunc(x["apps"].([]any), func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		all = append(all, x)
	}
	return all
}

// One YAML file is kept as it is, with its comments.
func TestAFileIsKeptAsItIs(t *testing.T) {
	text := "# ours\n" + acmeYAML
	if kept, err := rating.AccountsDocument(file("accounts.yaml", text)); err != nil || string(kept) != text {
		t.Errorf("%s, %v", kept, err)
	}
}

// What is wrong is named with its file and line, and the other place with its own.
func TestAccountsOfFilesRefused(t *testing.T) {
	const head = "id,apps,plan,from\n"
	for _, c := range []struct {
		files []rating.AccountsFile
		want  string
	}{
		{[]rating.AccountsFile{file("d/a.yaml", acmeYAML), file("d/b.yaml", "\n"+strings.Replace(acmeYAML, "[b, a]", "[x]", 1))},
			`d/b.yaml:3:5: accounts[0].id: account "acme" is there twice, first in d/a.yaml:2:5`},
		{[]rating.AccountsFile{file("d/a.yaml", acmeYAML), file("d/b.csv", head+"beta,x a,im/pro,2026-02-01\n")},
			`d/b.csv:2:1: apps: app "a" is in account "acme" (d/a.yaml:2:5) too, both in force on 2026-02-01: end one before the other begins (until)`},
		{[]rating.AccountsFile{file("d/a.yaml", acmeYAML), file("d/b.yaml", "accounts:\n- id: beta\n  apps: [c]\n  plan: im/pro\n  form: 2026-01-01\n")},
			`d/b.yaml:5:3: accounts[0].form: unknown field; did you mean "from"?`},
		{[]rating.AccountsFile{file("d/a.yaml", acmeYAML), file("d/b.yaml", "accounts:\n- {id: \"acme\u200b\", apps: [c], plan: im/pro, from: 2026-01-01}\n")}, "of d/a.yaml:2:5: they differ by white space"},
		{[]rating.AccountsFile{file("a.csv", head+"beta,c,im/pro,\n")}, "a.csv:2:1: misses the field from"},
		{[]rating.AccountsFile{file("a.csv", head+"beta,c,im/pro,2026-13-01\n")}, "a.csv:2:15: from: "},
		{[]rating.AccountsFile{file("a.csv", "id,apps,plan,form\nbeta,c,im/pro,2026-01-01\n")}, `a.csv:1:14: form: unknown field; did you mean "from"?`},
		{[]rating.AccountsFile{file("a.csv", head+"beta,c,im/pro,2026-01-01\nbeta,d,im/pro,2026-01-01\n")}, `a.csv:3:1: id: account "beta" is there twice, first in line 2`},
		{[]rating.AccountsFile{file("a.csv", head+"beta,c\n")}, "a.csv:2:1: wrong number of fields"},
		{[]rating.AccountsFile{file("a.csv", head+"beta,\"c,im/pro,2026-01-01\n")}, "a.csv:2:"},
		{[]rating.AccountsFile{file("a.csv", head+"beta,c c,im/pro,2026-01-01\n")}, `a.csv:2:6: apps[1]: app "c" is there twice`},
		{[]rating.AccountsFile{file("a.csv", "id,app,plan,from\nbeta,c,im/pro,2026-01-01\nbeta,d,im/pro,2026-02-01\n")}, "a.csv:3:15: from: is not what line 2 has"},
		{[]rating.AccountsFile{file("a.csv", "id,app,apps,plan,from\n")}, "a.csv:1:1: has a column apps and a column app"},
		{[]rating.AccountsFile{file("a.csv", "id,id,apps,plan,from\n")}, "a.csv:1:4: the column id is there twice"},
		{[]rating.AccountsFile{file("a.csv", "id,,apps,plan,from\n")}, "a.csv:1:4: the column has no name"},
		{[]rating.AccountsFile{file("a.csv", "")}, "a.csv: is empty: want a first line that names the columns"},
		{[]rating.AccountsFile{file("a.csv", "id,apps,plan,from,changes\nbeta,c,im/pro,2026-01-01,[{at: 2026\n")}, "a.csv:2:26: changes: begins with \"[\" and is no list or fields as in YAML"},
		{[]rating.AccountsFile{file("a.csv", "id,apps,plan,from,changes\nbeta,c,im/pro,2026-01-01,[{at: 2026-02-01}]\n")}, "a.csv:2:26: changes[0]: misses the field plan"},
		{[]rating.AccountsFile{file("a.csv", "id,apps,plan,from,overrides,overrides.mau.free\nbeta,c,tcmpp/pro,2026-01-01,x,5\n")}, "overrides has a column of its own too"},
		{[]rating.AccountsFile{file("a.yaml", "accounts:\n- id: beta\n  apps: [c]\n  plan: \"im\\/pro\"\n  from: 2026-01-01\n"+strings.Repeat("# long\n", 200_000)+"- id: [\n")}, "a.yaml:200006:7: "},
		{[]rating.AccountsFile{file("a.yaml", "accounts:\n"+strings.Repeat(" ", 64<<20))}, "a.yaml: is 67108874 bytes long, more than 64 MiB"},
	} {
		a, err := rating.ReadAccounts(c.files...)
		if err == nil {
			err = a.Check(builtin(t), time.UTC)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.200q:\n got %v\nwant %s", c.files[len(c.files)-1].Data, err, c.want)
		}
	}
}

// A reader that is asked again parses what changed, gives what a fresh one gives, and keeps what it had where the new is wrong.
func TestAccountsReader(t *testing.T) {
	r := new(rating.AccountsReader)
	a, b := file("d/a.yaml", acmeYAML), file("d/b.yaml", betaYAML)
	first, err := r.Read(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Read(a, b); err != nil || again != first {
		t.Errorf("the same files are read again: %v", err)
	}
	c := file("d/b.yaml", strings.Replace(betaYAML, "[c]", "[c, d]", 1))
	changed, err := r.Read(a, c)
	if err != nil || !reflect.DeepEqual(changed.Apps(), []string{"a", "b", "c", "d"}) || !reflect.DeepEqual(first.Apps(), []string{"a", "b", "c"}) {
		t.Errorf("%v, %v, %v", changed.Apps(), first.Apps(), err)
	}
	if _, err := r.Read(a, file("d/b.yaml", "accounts: x")); err == nil {
		t.Error("what is wrong is read")
	}
	if again, err := r.Read(a, c); err != nil || again != changed {
		t.Errorf("after an error: %v", err)
	}
	if fewer, err := r.Read(c); err != nil || !reflect.DeepEqual(fewer.IDs(), []string{"beta"}) {
		t.Errorf("%v, %v", fewer.IDs(), err)
	}
}

func TestAccountDocument(t *testing.T) {
	all := []byte("# secret\n" + acmeYAML + strings.TrimPrefix("accounts:\n  - {id: beta, apps: [c], plan: im/pro, from: 2026-01-01} # and this\n", "accounts:\n"))
	one, err := rating.AccountDocument("all", all, "beta")
	if want := "accounts:\n- {\"id\": \"beta\", \"apps\": [\"c\"], \"plan\": \"im/pro\", \"from\": \"2026-01-01\"}\n"; err != nil || string(one) != want {
		t.Errorf("%s, %v; want %s", one, err, want)
	}
	if none, err := rating.AccountDocument("all", all, "bet"); err != nil || none != nil {
		t.Errorf("%s, %v", none, err)
	}
}

// The table that the catalog's README shows is read.
func TestReadmeTable(t *testing.T) {
	text, err := os.ReadFile("catalog/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "```csv\n")
	table, _, _ = strings.Cut(table, "```")
	a, err := rating.ReadAccounts(file("accounts.csv", table))
	if err == nil {
		err = a.Check(builtin(t), time.UTC)
	}
	if err != nil || !reflect.DeepEqual(a.Apps(), []string{"app-001", "app-002", "app-003"}) {
		t.Errorf("%s: %v", table, err)
	}
}
