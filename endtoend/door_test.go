package endtoend

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// collector starts `ingest collect` and waits until it answers.
func (s *site) collector(args ...string) (p *process, addr string) {
	s.Helper()
	addr = freeAddr(s.T)
	p = s.start(append([]string{"ingest", "collect", "--listen", addr}, args...)...)
	s.waitFor("/readyz of "+p.line, func() bool {
		if !p.running() {
			s.Fatalf("ended: %s", cut(p.stderr.String()))
		}
		code, _ := get(s.T, addr, "/readyz")
		return code == http.StatusOK
	})
	return p, addr
}

// post sends a body to a collector; code 0: there was no answer.
func post(addr, contentType, body string, headers ...string) (code int, answer string) {
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/v1/events", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

const batchType = "application/cloudevents-batch+json"

func batchOf(records ...record) string {
	var b bytes.Buffer
	for i, r := range records {
		b.WriteString([]string{"[", ","}[min(i, 1)])
		b.Write(r.Value)
	}
	return b.String() + "]"
}

// TestDoor: a month comes in over HTTP, in every mode, and is counted, billed and verified; what the door calls dead is dead.
func TestDoor(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": "{reject_limit: \"1\"}"})
	p, addr := s.collector()
	at := "2025-03-04T08:00:00Z"
	first := event("miniprogram.open", "one", "device-1", at)
	late := strings.Replace(string(first.Value), at, "soon", 1)
	if code, answer := post(addr, batchType, batchOf(first, event("miniprogram.search", "one", "device-2", at))); code != 202 || strings.TrimSpace(answer) != `{"accepted":2,"dead":[]}` {
		t.Errorf("batch: %d %s", code, answer)
	}
	if code, answer := post(addr, "application/cloudevents+json", late); code != 202 || !strings.Contains(answer, `{"index":0,"reason":"time is not RFC 3339"}`) {
		t.Errorf("dead: %d %s", code, answer)
	}
	if code, answer := post(addr, "text/plain", "", "ce-specversion", "1.0", "ce-type", "miniprogram.open", "ce-subject", "device-3", "ce-superapp", "one", "ce-time", at); code != 202 {
		t.Errorf("binary: %d %s", code, answer)
	}
	if code, answer := post(addr, "application/xml", "<x/>"); code != 415 {
		t.Errorf("XML: %d %s", code, answer)
	}

	// With a key, whoever comes is asked for it, and its app is the only one.
	key := strings.TrimSpace(s.ok("ingest", "key", "create", "--app", "two", "--name", "android"))
	s.waitFor("the key to be asked for", func() bool {
		code, _ := post(addr, batchType, "[]")
		return code == http.StatusUnauthorized
	})
	bearer := []string{"Authorization", "Bearer " + key}
	if code, answer := post(addr, batchType, batchOf(event("miniprogram.open", "two", "device-4", at), event("miniprogram.open", "one", "device-5", at)), bearer...); code != 202 || !strings.Contains(answer, `"accepted":1,"dead":[{"index":1,`) {
		t.Errorf("another's app: %d %s", code, answer)
	}
	if code, answer := post(addr, "application/json", fmt.Sprintf(`{"type":"miniprogram.open","subject":"device-6","time":%q}`, at), bearer...); code != 202 {
		t.Errorf("an app filled in: %d %s", code, answer)
	}
	s.ok("ingest", "key", "revoke", "android")
	s.waitFor("the key to be refused", func() bool {
		code, _ := post(addr, batchType, "[]", bearer...)
		return code == http.StatusUnauthorized
	})
	p.terminate()

	s.ok("ingest", "run", "--until-end")
	u := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	got := map[string]string{}
	for _, a := range u.Usage {
		got[a.App] = fmt.Sprintf("%d events, %d rejected, %d open, %d search", a.Events, a.Rejected, a.Kinds["open"].Exact, a.Kinds["search"].Exact)
	}
	for app, want := range map[string]string{"one": "3 events, 1 rejected, 2 open, 1 search", "two": "2 events, 1 rejected, 2 open, 0 search"} {
		if got[app] != want {
			t.Errorf("%s: %s, want %s", app, got[app], want)
		}
	}
	s.ok("rollup", "verify", "--month", "2025-03")
}

// TestDoorBeyondThisMachine: without keys, or with keys that would go unencrypted, it does not start.
func TestDoorBeyondThisMachine(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := newSite(t, mixedAccounts, nil)
	s.want(2, "ingest", "collect", "--listen", "0.0.0.0:0", "--behind-proxy").says(t, "ingest key create")
	s.want(2, "ingest", "collect", "--listen", "127.0.0.1:0", "--behind-proxy").says(t, "ingest key create")
	s.ok("ingest", "key", "create", "--app", "two", "--name", "android")
	s.want(2, "ingest", "collect", "--listen", "0.0.0.0:0").says(t, "--tls-cert", "--behind-proxy")
	s.want(2, "ingest", "key", "create", "--app", "two", "--name", "android").says(t, "rotate")
	s.want(2, "ingest", "key", "revoke", "ios").says(t, "ios", "ingest key list")
}

// TestDoorKilled: whatever was acknowledged before a door was killed, or told to end, is counted; what was not, and is sent again, is counted
// once.
func TestDoorKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, nil)
	var acked, sent sync.Map
	var next atomic.Int64
	at := "2025-03-04T08:00:00Z"
	const rounds = 3
	for round := range rounds {
		p, addr := s.collector()
		var wg sync.WaitGroup
		var done atomic.Bool
		for range 40 {
			wg.Go(func() {
				for !done.Load() {
					var batch []record
					var ids []string
					for range 5 {
						id := fmt.Sprintf("device-%d", next.Add(1))
						ids, batch = append(ids, id), append(batch, event("miniprogram.open", "one", id, at))
					}
					for _, id := range ids {
						sent.Store(id, true)
					}
					if code, _ := post(addr, batchType, batchOf(batch...)); code == 202 {
						for _, id := range ids {
							acked.Store(id, true)
						}
					}
				}
			})
		}
		time.Sleep(300 * time.Millisecond)
		if round == rounds-1 {
			p.terminate()
		} else {
			p.kill()
		}
		done.Store(true)
		wg.Wait()
	}
	// Sent again is what was not acknowledged, and nothing else: an acknowledged event that is not in the log is then missing.
	var again []record
	total := 0
	sent.Range(func(id, _ any) bool {
		total++
		if _, ok := acked.Load(id); !ok {
			again = append(again, event("miniprogram.open", "one", id.(string), at))
		}
		return true
	})
	if len(again) == total {
		t.Error("nothing was acknowledged")
	}
	p, addr := s.collector()
	if len(again) > 0 {
		if code, answer := post(addr, batchType, batchOf(again...)); code != 202 {
			t.Fatalf("%d %s", code, answer)
		}
	}
	p.terminate()
	s.ok("ingest", "run", "--until-end")
	u := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	if open := u.Usage[0].Kinds["open"].Exact; open != total {
		t.Errorf("%d devices counted, %d sent, of which %d twice", open, total, len(again))
	}
}
