package config

import (
	"strings"
	"testing"
)

// What is left out or wrong of a reporter, and of what holds, is named with its place.
func TestMistakesOfReportersAndLimits(t *testing.T) {
	one := "{id: a, key_file: a.pub, meters: [m], apps: [x]}"
	for _, tt := range []struct{ text, want string }{
		{"reporters: gateway", "headcount.yaml:1:12: reporters: want a list"},
		{"reporters: [gateway]", "headcount.yaml:1:13: reporters[0]: want fields (name: value), got \"gateway\""},
		{"reporters: [null]", "reporters[0]: has no value"},
		{"reporters: [{id: a, keyfile: b}]", "reporters[0]: unknown field \"keyfile\"; did you mean \"key_file\"?"},
		{"reporters: [{id: 7}]", "reporters[0].id: is not text"},
		{"reporters: [{}]", "headcount.yaml:1:13: reporters[0]: has no id"},
		{"reporters: [{id: a}]", "reporters[0]: a has no key_file"},
		{"reporters:\n  - {id: a, key_file: a.pub}", "headcount.yaml:2:5: reporters[0]: a has no meters"},
		{"reporters: [{id: a, key_file: a.pub, meters: [m]}]", "a has no apps"},
		{"reporters:\n  - " + one + "\n  - " + one, "headcount.yaml:3:10: reporters[1].id: a is there twice"},
		{"billing: {quantity_jump: -1}", "billing.quantity_jump: -1 is negative"},
		{"billing: {hold_least: -1}", "billing.hold_least: -1 is negative"},
		{"billing: {reject_limit: \"-1\"}", "billing.reject_limit"},
	} {
		if _, err := load(t, tt.text+"\n"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want one with %q", tt.text, err, tt.want)
		}
	}
	c, err := load(t, "reporters: ["+one+"]\n")
	if err != nil || len(c.Reporters) != 1 || !strings.HasSuffix(c.Reporters[0].KeyFile, "/a.pub") || !strings.HasSuffix(c.Reporters[0].PrivateKeyFile(), "/a.key") {
		t.Errorf("%+v, %v", c, err)
	}
}
