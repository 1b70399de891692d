package recount

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// TestVectors holds fingerprints, salts and what sketches are fed against the examples that both implementations are held to.
func TestVectors(t *testing.T) {
	file, err := os.ReadFile("../../events/identity/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Vectors []struct {
			Key, App, Kind, ID, Population, X, T, Fingerprint, Month, Salt string
			KeyID                                                          string `json:"key_id"`
			SketchHash                                                     string `json:"sketch_hash"`
		}
	}
	if err := json.Unmarshal(file, &all); err != nil || len(all.Vectors) < 10 {
		t.Fatal(err, len(all.Vectors))
	}
	for _, v := range all.Vectors {
		keys, err := readKeys([]byte(v.Key))
		if err != nil || keys[v.KeyID] == nil {
			t.Fatalf("%s has keys %v, %v, want %s", v.Key, keys, err, v.KeyID)
		}
		k := keys[v.KeyID]
		month, ok := ParseMonth(v.Month)
		if !ok {
			t.Fatal(v.Month)
		}
		population, x := populate(v.ID, v.Kind == "user")
		f := k.fingerprint(v.App, v.ID, v.Kind == "user")
		s := k.salt(v.App, month)
		secret, _ := k.secrets.Load([2]string{population, v.App})
		got := fmt.Sprintf("%s %x %x %x %x %016x", population, x, secret, f, s, s.hash(f))
		if want := fmt.Sprintf("%s %s %s %s %s %s", v.Population, v.X, v.T, v.Fingerprint, v.Salt, v.SketchHash); got != want {
			t.Errorf("%s %q in %s:\n%s, want\n%s", v.Kind, v.ID, v.App, got, want)
		}
	}
}
