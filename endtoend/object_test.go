package endtoend

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"headcount/counter/checkpoint/object/objecttest"
)

// onObjects is a site with its state in an object store, and the way there, which is down while off.
func onObjects(t *testing.T, server string, seed uint64, share float64) (s *site, off *atomic.Bool) {
	t.Helper()
	off = &atomic.Bool{}
	faults := objecttest.Random(seed, share, objecttest.AllFaults...)
	choose := faults.Choose
	faults.Choose = func(r *http.Request) objecttest.Fault {
		if off.Load() {
			return objecttest.Refused
		}
		return choose(r)
	}
	at := &objecttest.Server{URL: objecttest.Proxy(t, server, faults)}
	s = newSite(t, oneAccount, map[string]string{"state": fmt.Sprintf("%q", at.State("its/state"))})
	return s, off
}

// A month whose state is in an object store on a bad way, which is away for a while too, is counted, closed, verified, explained and
// exported as in a folder.
func objectMonth(t *testing.T, server string, share float64, meanwhile func()) {
	s, off := onObjects(t, server, 5, share)
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 300))
	s.ok("ingest", "run", "--until-end")
	s.ok("ingest", "check")

	run := s.start("ingest", "run")
	s.waitFor("counting", run.up)
	off.Store(true)
	s.send(nil, opens("one", "2025-03-03T00:00:00Z", 200, 500))
	meanwhile()
	s.waitFor("that the store is said to be away", func() bool {
		if !run.running() {
			t.Fatalf("counting ended while the store was away: %s", cut(run.stderr.String()))
		}
		return strings.Contains(run.stderr.String(), "state store does not answer")
	})
	off.Store(false)
	s.waitFor("that it answers again", func() bool { return strings.Contains(run.stderr.String(), "answers again") })
	if r := run.terminate(); r.code != 0 {
		t.Fatalf("run ended with %d: %s", r.code, cut(r.stderr))
	}
	s.ok("rollup", "status", "--month", "2025-03")
	s.ok("ingest", "recount", "--month", "2025-03")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	if u := got.Usage[0]; u.Meters[0].Exact != 500 || u.Events != 600 {
		t.Errorf("%d devices and %d events, want 500 and 600", u.Meters[0].Exact, u.Events)
	}
	s.ok("rollup", "verify", "--month", "2025-03")
	s.ok("rollup", "verify", "--month", "2025-03", "--from-sealed")
	if text := s.ok("rollup", "explain", "--month", "2025-03", "--app", "one", "--guid", "device-7"); !strings.Contains(text, "2025-03-02") {
		t.Errorf("explain: %s", text)
	}
	s.ok("rollup", "export", "--month", "2025-03")
	s.want(1, "ingest", "recount", "--month", "2025-03") // it is sealed

	off.Store(true)
	s.config["state"] = strings.Replace(s.config["state"], "its/state", "its%2Fstate%20", 1)
	s.configure()
	s.want(2, "rollup", "close", "--month", "2025-04").says(t, "prefix")
}

func TestObjectStore(t *testing.T) {
	server := objecttest.Start(t) // sets the environment: not parallel
	objectMonth(t, server.URL, 0.05, func() {})
	for _, key := range server.Keys() {
		if !strings.HasPrefix(key, "its/state/events-") {
			t.Errorf("an object outside the prefix, or of the probe: %s", key)
		}
	}
}

// A store that is not there, or that makes a name twice, is refused before anything is counted.
func TestObjectStoreThatCannotBe(t *testing.T) {
	server := objecttest.Start(t)
	s, _ := onObjects(t, server.URL, 1, 0)
	server.Change(func(s *objecttest.Server) { s.Overwrites = true })
	s.want(2, "ingest", "run", "--until-end").says(t, "If-None-Match")
	s.want(1, "ingest", "check")
	s.config["state"] = strings.Replace(s.config["state"], "s3://state", "s3://another", 1)
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "see that the bucket exists")
}

func TestObjectStoreOnGateway(t *testing.T) {
	g := objecttest.StartGateway(t)
	objectMonth(t, g.URL, 0.02, func() {
		g.Kill()
		g.Start()
	})
}

// TestRequests: a checkpoint of a process that counts is 1.2 requests at most, and hardly ever a list.
func TestRequests(t *testing.T) {
	server := objecttest.Start(t)
	s, _ := onObjects(t, server.URL, 1, 0)
	manifests := func() (n int) {
		for _, key := range server.Keys() {
			if strings.HasSuffix(key, ".manifest") {
				n++
			}
		}
		return n
	}
	if text := s.ok("ingest", "check"); !strings.Contains(text, "million requests") {
		t.Errorf("check does not say what a month costs: %s", text)
	}
	run := s.start("ingest", "run")
	s.waitFor("counting", run.up)
	devices := 0
	more := func() {
		before := manifests()
		s.send(nil, opens("one", "2025-03-02T00:00:00Z", devices, devices+200))
		devices += 200
		s.waitFor("checkpoints", func() bool { return manifests() >= before+4 })
	}
	more()
	server.Requests()
	before := manifests()
	for range 15 {
		more()
	}
	if r := run.terminate(); r.code != 0 {
		t.Fatalf("run ended with %d: %s", r.code, cut(r.stderr))
	}
	got, made := server.Requests(), manifests()-before
	t.Logf("%d checkpoints: %v", made, got)
	if puts := got["PUT"] + got["POST"]; puts*10 > made*12 || made < 60 {
		t.Errorf("%d checkpoints were %d PUTs, want at most 1.2 each", made, puts)
	}
	if got["LIST"] > 4*2 {
		t.Errorf("%d lists", got["LIST"])
	}
}
