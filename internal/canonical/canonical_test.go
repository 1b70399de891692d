package canonical_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"headcount/internal/canonical"
)

type content struct {
	Name  string            `json:"name"`
	Sizes map[string]int    `json:"sizes"`
	List  []int64           `json:"list"`
	Raw   json.RawMessage   `json:"raw"`
	Maybe *string           `json:"maybe"`
	More  map[string]string `json:"more,omitempty"`
}

const (
	document = `{"name":"<a> & \"b\" é \u2028\u0001","sizes":{"B":2,"a":1},"list":[-9223372036854775808,1],"raw":{"z":1,"a":[2]},"maybe":null}`
	hash     = "sha256:2468e22dcbe1813e42a657a6e77f506a7eda8e6e823f135beef819bb8267fdcc"
)

// The form is on disk and in logs: it stays.
func TestForm(t *testing.T) {
	v := content{
		Name: "<a> & \"b\" é \u2028\u0001", Sizes: map[string]int{"a": 1, "B": 2}, List: []int64{-1 << 63, 1}, Raw: json.RawMessage(`{ "z": 1, "a": [2] }`),
	}
	doc, err := canonical.Marshal(v)
	if err != nil || string(doc) != document || !bytes.Equal(canonical.MustMarshal(v), doc) {
		t.Errorf("got  %s, %v\nwant %s", doc, err, document)
	}
	if got := canonical.Hash(doc); got != hash {
		t.Errorf("hash %s, want %s", got, hash)
	}
	if got := canonical.Hash(nil); got != "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("hash of nothing %s", got)
	}
}

func TestUnmarshalTakesThatFormAlone(t *testing.T) {
	var v content
	if err := canonical.Unmarshal([]byte(document), &v); err != nil || v.Sizes["B"] != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	for name, change := range map[string][2]string{
		"space": {`{"name"`, `{ "name"`}, "unknown": {`,"list"`, `,"other":1,"list"`}, "twice": {`,"list"`, `,"list":[],"list"`}, "missing": {`,"maybe":null`, ``},
		"case": {`"name"`, `"Name"`}, "order": {`"B":2,"a":1`, `"a":1,"B":2`}, "number": {`"a":1`, `"a":1e0`}, "escaped": {`<a>`, `\u003ca>`},
		"empty, not left out": {`,"maybe":null`, `,"maybe":null,"more":{}`}, "newline": {`null}`, "null}\n"}, "not UTF-8": {"é", "\xe9"},
	} {
		doc := bytes.Replace([]byte(document), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(doc, []byte(document)) {
			t.Fatalf("%s changes nothing", name)
		}
		var v content
		err := canonical.Unmarshal(doc, &v)
		if err == nil || name != "number" && !errors.Is(err, canonical.ErrForm) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for _, doc := range []string{"", "{", document + "x", `{"name":1}`} {
		if err := canonical.Unmarshal([]byte(doc), &content{}); err == nil || errors.Is(err, canonical.ErrForm) {
			t.Errorf("%.20q: error %v, want one of the reader", doc, err)
		}
	}
}

func TestMustMarshalPanicsAtWhatCannotBe(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	canonical.MustMarshal(func() {})
}
