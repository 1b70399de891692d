package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"headcount/rating"
)

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("schema", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid holds YAML against a schema, as an editor does.
func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestBooksFitTheirSchema(t *testing.T) {
	s := schema(t, "book")
	names, err := filepath.Glob("*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d books, %v", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, wrong := range [][2]string{{"title:", "titel:"}, {"minor_digits: 2", "minor_digits: two"}, {"quota_per: ", "quota_per: each "}, {"aggregate: ", "aggregate: un"}} {
			bad := strings.Replace(string(text), wrong[0], wrong[1], 1)
			if bad == string(text) {
				t.Errorf("%s has no %q", name, wrong[0])
			} else if valid(t, s, []byte(bad)) == nil {
				t.Errorf("%s with %q fits the schema", name, wrong[1])
			}
		}
	}
}

func TestAccountsFitTheirSchema(t *testing.T) {
	s := schema(t, "accounts")
	good := `accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2026-01-01, overrides: {mau.unit_price: "0.012"}, late: report}
  - id: paas
    apps: [a]
    plan: mpaas/standard
    from: 2026-03-01T08:00:00Z
    until: 2027-01-01
    packages:
      - {item: mini-program, mau: 50000, price: "55440", bought: 2026-03-01, term: 1 year}
      - {item: push, quantity: "50000", price: "900", bought: 2026-03-10, remaining: "10"}
  - {id: safe, apps: [s], plan: mpaas/standard, from: 2026-01-01, overrides: {plan.fee: "10.5", push.free: "5", security-armor-annual.fee: "1200"}, addons: [{item: security-armor-annual, from: 2026-01-01}]}
  - {id: talk, apps: [t], plan: im/trial, from: 2026-01-01, changes: [{at: 2026-02-10, plan: im/pro}], addons: [{item: history, from: 2026-02-10, option: 90}]}
  - {id: chat, apps: [c], plan: chat/standard, from: 2026-06-01, term: 12 months, renew: auto, orders: [{at: 2026-06-01, cash: "300", credit: "99"}], bills: [{month: 2026-06, pushed: 2026-07-01, paid: 2026-07-02}]}
  - {id: paper, apps: [p], plan: tcmpp/pro, from: 2026-01-01, name: "Paper Ltd", legal: {address: [1 Main St, Springfield], tax_id: "DE123"}, contact: billing@paper.example, po: "4711", tags: [emea], tax: {rate: 19%, note: VAT}, terms: net 14}
`
	if _, err := rating.ParseAccounts("accounts.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := valid(t, s, []byte(good)); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][2]string{
		{"plan: tcmpp/pro", "plan: pro"}, {"from: 2026-01-01", "form: 2026-01-01"}, {`"0.012"`, "0.012"}, {"mau: 50000", `mau: "50000"`},
		{"late: report", "late: never"}, {`"50000"`, `"-1"`}, {"renew: auto", "renew: true"}, {"mau.unit_price", "mau.price"},
	} {
		bad := strings.Replace(good, wrong[0], wrong[1], 1)
		if valid(t, s, []byte(bad)) == nil {
			t.Errorf("accounts with %s fit the schema", wrong[1])
		}
		if _, err := rating.ParseAccounts("accounts.yaml", []byte(bad)); err == nil {
			t.Errorf("accounts with %s are read", wrong[1])
		}
	}
}
