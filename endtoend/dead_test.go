package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"headcount/endtoend/month"
)

// TestDeadLettersListedShownAndReplayed: dead letters are summed up by reason and app, shown with all that their records had, and those that would
// count now are sent again, once.
func TestDeadLettersListedShownAndReplayed(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": "{reject_limit: \"1\"}"})
	at := "2025-03-04T08:00:00Z"
	bad := event("miniprogram.open", "one", "device-2", at)
	bad.Value = []byte(strings.Replace(string(bad.Value), at, "soon", 1))
	binary := event("miniprogram.open", "two", "device-3", at)
	binary.Value = []byte("data")
	for _, h := range [][2]string{{"ce_type", "miniprogram.open"}, {"ce_superapp", "two"}, {"ce_subject", "device-3"}, {"ce_time", "soon"}, {"reason", "mine"}} {
		binary.Headers = append(binary.Headers, month.Header{Name: h[0], Value: []byte(h[1])})
	}
	unset := event("miniprogram.open", "one", "null", "2025-05-04T08:00:00Z") // of a month of which nothing was counted
	s.send(nil, []record{event("miniprogram.open", "one", "device-1", at), bad, binary, unset})
	s.ok("ingest", "run", "--until-end")

	type heap struct {
		Reason, App string
		Records     int
	}
	list := decode[struct{ Items []heap }](t, s.ok("ingest", "dead", "list", "--json"))
	if got, want := fmt.Sprint(list.Items), "[{placeholder id one 1} {time is not RFC 3339 one 1} {time is not RFC 3339 two 1}]"; got != want {
		t.Errorf("list: %s, want %s", got, want)
	}
	if text := s.ok("ingest", "dead", "list"); !strings.Contains(text, "placeholder id") {
		t.Errorf("list:\n%s", text)
	}
	show := decode[struct {
		Items []struct {
			Value   string
			Headers map[string]string
		}
	}](t, s.ok("ingest", "dead", "show", "--app", "two", "--json"))
	if len(show.Items) != 1 || show.Items[0].Value != "data" || show.Items[0].Headers["ce_subject"] != "device-3" || show.Items[0].Headers["reason"] != "mine" {
		t.Errorf("show: %+v", show)
	}
	s.want(2, "ingest", "dead", "list", "--since", "yesterday").says(t, "--since yesterday")

	if text := s.ok("ingest", "dead", "replay"); !strings.Contains(text, "0 records sent again") || !strings.Contains(text, "1 would be dead letters still: placeholder id") {
		t.Errorf("replay: %s", text)
	}

	// A sender was given the key of another app: what came with it counts, once somebody says so.
	key := strings.TrimSpace(s.ok("ingest", "key", "create", "--app", "two", "--name", "wrong"))
	p, addr := s.collector()
	if code, answer := post(addr, batchType, batchOf(event("miniprogram.open", "one", "device-4", at)), "Authorization", "Bearer "+key); code != 202 {
		t.Fatalf("%d %s", code, answer)
	}
	p.terminate()
	s.ok("ingest", "run", "--until-end")
	if text := s.ok("ingest", "dead", "replay", "--reason", "sender's key"); !strings.Contains(text, "0 records sent again") {
		t.Errorf("not told to: %s", text)
	}
	if text := s.ok("ingest", "dead", "replay", "--reason", "sender's key", "--despite-door", "--dry-run"); !strings.Contains(text, "1 records would be sent again") {
		t.Errorf("dry run: %s", text)
	}
	for range 2 {
		if text := s.ok("ingest", "dead", "replay", "--reason", "sender's key", "--despite-door"); !strings.Contains(text, "1 records sent again") {
			t.Errorf("replay: %s", text)
		}
	}
	s.ok("ingest", "run", "--until-end")
	u := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	if got := u.Usage[0]; got.App != "one" || got.Kinds["open"].Exact != 2 {
		t.Errorf("counted: %+v", got)
	}
	s.ok("rollup", "verify", "--month", "2025-03")
}
