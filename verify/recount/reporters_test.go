package recount

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

// TestReportVectors holds this implementation against the same vectors as the other (events/signed).
func TestReportVectors(t *testing.T) {
	text, err := os.ReadFile("../../events/signed/testdata/reports.json")
	if err != nil {
		t.Fatal(err)
	}
	type vector struct {
		Members   map[string]string `json:"members"`
		Signature string            `json:"signature"`
	}
	var all struct {
		SealKey   string   `json:"seal_key"`
		PublicKey string   `json:"public_key"`
		Vectors   []vector `json:"vectors"`
		Wrong     []vector `json:"wrong"`
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all.Vectors) < 5 || len(all.Wrong) < 3 {
		t.Fatalf("%d vectors, %d wrong, %v", len(all.Vectors), len(all.Wrong), err)
	}
	seal, err := base64.StdEncoding.DecodeString(all.SealKey)
	if err != nil {
		t.Fatal(err)
	}
	takes := func(v vector, change func(*reporter)) bool {
		by := reporter{ID: v.Members["source"], Key: all.PublicKey, Meters: []string{"*"}, Apps: []string{"*"}}
		change(&by)
		r := &Rules{public: ed25519.PublicKey(seal), Reporters: []reporter{by}}
		if err := r.readReporters(); err != nil {
			t.Fatal(err)
		}
		fields := map[string]field{"signature": {text: v.Signature}}
		for name, text := range v.Members {
			fields[name] = field{text: text}
		}
		if !isSignature(v.Signature) {
			t.Errorf("%s is no signature", v.Signature)
		}
		return r.takes(v.Members["superapp"], fields, v.Members["revision"])
	}
	for _, v := range all.Vectors {
		if !takes(v, func(*reporter) {}) {
			t.Errorf("%v: not taken", v.Members)
		}
		if takes(v, func(r *reporter) { r.Meters = []string{"gateway_call", "*x"} }) || takes(v, func(r *reporter) { r.Apps = []string{"app", "p-*"} }) || takes(v, func(r *reporter) { r.ID += "x" }) {
			t.Errorf("%v: taken beyond meters, apps or reporters", v.Members)
		}
	}
	for _, v := range all.Wrong {
		if takes(v, func(*reporter) {}) {
			t.Errorf("%v: taken", v.Members)
		}
	}
}

func TestFits(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"app-1", "app-1", true}, {"app-1", "app-12", false}, {"app-*", "app-", true}, {"app-*", "app-1", true}, {"app-*", "xapp-1", false},
		{"*", "", true}, {"*", "a", true}, {"**", "a", true}, {"*-eu", "app-eu", true}, {"*-eu", "app-eu-1", false}, {"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "acb", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"*ab*ab", "abab", true}, {"*ab*ab", "ab", false},
		{"a?", "ab", false}, {"a?", "a?", true}, {"[a]", "a", false}, {"A*", "a", false},
	} {
		if got := fits(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%s fits %q: %v", tt.pattern, tt.name, got)
		}
	}
}
