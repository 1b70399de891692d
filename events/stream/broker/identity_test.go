package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClusterID: a folder has one id for good, from before its broker answers; files of two brokers are not served.
func TestClusterID(t *testing.T) {
	dir := t.TempDir()
	if id, err := ClusterID(dir); id != "" || err != nil {
		t.Errorf("before the first start: %q, %v", id, err)
	}
	if served, err := Serves(dir); served || err != nil {
		t.Errorf("before the first start: served %t, %v", served, err)
	}
	c := Config{Addr: "127.0.0.1:0", DataDir: dir, NoSync: true}
	first := ""
	for range 2 {
		b, err := Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		id, err := ClusterID(dir)
		if err != nil || len(id) != 22 || first != "" && id != first {
			t.Errorf("id %q, %v; it was %q", id, err, first)
		}
		first = id
		if served, err := Serves(dir); !served || err != nil {
			t.Errorf("served %t, %v", served, err)
		}
		b.Close()
		if served, err := Serves(dir); served || err != nil {
			t.Errorf("after its end: served %t, %v", served, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, idFile)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if id, err := metaID(dir); err != nil || id != first {
		t.Errorf("the cluster's own file says %q, %v; want %q", id, err, first)
	}
	// A folder from before the file.
	if err := os.Remove(filepath.Join(dir, idFile)); err != nil {
		t.Fatal(err)
	}
	if id, err := ClusterID(dir); id != first || err != nil {
		t.Errorf("without the file: %q, %v", id, err)
	}
	for text, want := range map[string]string{"another\n": "files of two brokers", "\n": "is empty"} {
		if err := os.WriteFile(filepath.Join(dir, idFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Start(t.Context(), c)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}
