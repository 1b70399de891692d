package endtoend

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An `init` that is killed at any moment leaves each file whole or not there at all, and the next one makes what is missing: keys
// are never half, never wider than 0600, and never made a second time.
func TestInitKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	r := moments(t)
	killed, partly := 0, 0
	for i := 0; i < 5*rounds() || partly == 0 && i < 100*rounds(); i++ {
		s := bareSite(t, oneAccount, nil)
		s.addr = freeAddr(t) // nobody answers: files alone are made, and that soon
		s.config["kafka"] = "{brokers: [\"" + s.addr + "\"], topic: t}"
		s.configure()
		p := s.start("ingest", "init")
		keys := []string{"data/guid.key", "data/seal.key", "data/seal.pub"}
		for deadline := time.Now().Add(upTo(r, 300*time.Millisecond)); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
			if _, err := os.Stat(s.path(keys[0])); err == nil { // the others follow within milliseconds
				time.Sleep(upTo(r, 3*time.Millisecond))
				break
			}
		}
		p.kill()
		killed++
		before := map[string]string{}
		for _, name := range keys {
			if text, err := os.ReadFile(s.path(name)); err == nil {
				before[name] = string(text)
			}
		}
		if len(before) > 0 && len(before) < len(keys) {
			partly++
		}
		again := s.start("ingest", "init") // it makes the files before it asks the broker, which it waits for
		s.waitFor("the keys", func() bool {
			for _, name := range keys {
				if _, err := os.Stat(s.path(name)); err != nil {
					return false
				}
			}
			return true
		})
		again.kill()
		for _, name := range keys {
			info, err := os.Stat(s.path(name))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(s.path(name))
			if err != nil || before[name] != "" && before[name] != string(text) {
				t.Fatalf("%s was %q, is %q: %v", name, before[name], text, err)
			}
			if !strings.HasSuffix(name, ".pub") && info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
	}
	t.Logf("%d killed, %d of them with some of the keys made", killed, partly)
	if partly == 0 {
		t.Error("none was killed between two keys: the test saw nothing")
	}
}
