package endtoend

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scraped are the samples that a process shows, by their names with labels, as they are written.
type scraped map[string]float64

// scrape asks a process for /metrics.
func scrape(t *testing.T, addr string) scraped {
	t.Helper()
	code, text := get(t, addr, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", code, cut(text))
	}
	samples := scraped{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		samples[line[:at]] = v
	}
	return samples
}

func get(t *testing.T, addr, path string) (code int, text string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// sum adds up the samples of a name, whatever their labels.
func (s scraped) sum(name string) (total float64) {
	for sample, v := range s {
		if sample == name || strings.HasPrefix(sample, name+"{") {
			total += v
		}
	}
	return total
}

// counting starts `ingest run` with --metrics and waits until it is ready.
func (s *site) counting(args ...string) (p *process, addr string) {
	s.Helper()
	addr = freeAddr(s.T)
	p = s.start(append([]string{"ingest", "run", "--metrics", addr}, args...)...)
	s.waitFor("/readyz of "+p.line, func() bool {
		if !p.running() {
			s.Fatalf("ended: %s", cut(p.stderr.String()))
		}
		code, _ := get(s.T, addr, "/readyz")
		return code == http.StatusOK
	})
	return p, addr
}

// TestMetrics: what a process shows is what the log has, and no app is named.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": "{reject_limit: \"1\"}"})
	p, addr := s.counting("--log-format", "json", "--pprof")
	var lines []string
	at := time.Now().UTC()
	for i := range 500 {
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","type":"miniprogram.open","time":%q,"subject":"device-%d","superapp":"secret-app"}`, at.Format(time.RFC3339), i))
	}
	for i := range 7 {
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","type":"unheard.of","time":%q,"subject":"device-%d","superapp":"secret-app"}`, at.Format(time.RFC3339), i))
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","type":"miniprogram.open","time":%q,"subject":"skewed-%d","superapp":"secret-app"}`, at.AddDate(1, 0, 0).Format(time.RFC3339), i))
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","type":"miniprogram.open","time":%q,"subject":"null","superapp":"secret-app","n":%d}`, at.Format(time.RFC3339), i))
	}
	s.write("events.ndjson", strings.Join(lines, "\n")+"\n")
	s.ok("ingest", "load", "events.ndjson")
	var got scraped
	s.waitFor("a checkpoint of all", func() bool {
		got = scrape(t, addr)
		return got["headcount_records_total"] == 521 && got.sum("headcount_partition_replay_records") == 0 && got.sum("headcount_partition_lag_records") == 0
	})
	for name, want := range map[string]float64{
		"headcount_skewed_events_total": 7, "headcount_unknown_records_total": 7, `headcount_dead_letters_total{reason="placeholder id"}`: 7,
		"headcount_group_joined": 1, "headcount_halts_total": 0, "headcount_store_errors_total": 0,
		"headcount_partition_checkpoint_age_seconds": 0, "headcount_partition_lag_seconds": 0,
		"headcount_partition_devices": 507, "headcount_partition_next_offset": 521, "headcount_partition_phase": 4,
	} {
		if v := got.sum(name); got[name] != want && v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for _, name := range []string{"headcount_checkpoints_total", "headcount_checkpoint_bytes_total", "headcount_partition_checkpoint_bytes", "headcount_record_bytes_total", `headcount_store_request_duration_seconds_count{operation="create"}`} {
		if got.sum(name) <= 0 {
			t.Errorf("%s is %v", name, got.sum(name))
		}
	}
	for sample := range got {
		if strings.Contains(sample, "secret-app") {
			t.Errorf("an app is named: %s", sample)
		}
	}
	if code, _ := get(t, addr, "/debug/pprof/goroutine?debug=1"); code != http.StatusOK {
		t.Errorf("--pprof answers %d", code)
	}
	if r := p.stderr.String(); !strings.HasPrefix(r, `{"time":`) {
		t.Errorf("not JSON: %s", cut(r))
	}
	p.cmd.Process.Signal(os.Interrupt)
	p.wait()
}

// TestMetricsOfLivePartitions: a partition that a process has given up is shown by its new owner alone.
func TestMetricsOfLivePartitions(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, nil)
	_, first := s.counting("--instance", "one")
	s.waitFor("all four partitions", func() bool { return scrape(t, first).sum("headcount_partition_phase") == 4 })
	_, second := s.counting("--instance", "two")
	s.waitFor("two each", func() bool {
		return scrape(t, first).sum("headcount_partition_phase") == 2 && scrape(t, second).sum("headcount_partition_phase") == 2
	})
	partition := regexp.MustCompile(`^headcount_partition_.*partition="(\d+)"`)
	of := func(s scraped) map[string]bool {
		has := map[string]bool{}
		for sample := range s {
			if m := partition.FindStringSubmatch(sample); m != nil {
				has[m[1]] = true
			}
		}
		return has
	}
	one, two := of(scrape(t, first)), of(scrape(t, second))
	for p := range one {
		if two[p] {
			t.Errorf("partition %s is shown by both", p)
		}
	}
	if len(one) != 2 || len(two) != 2 {
		t.Errorf("%v and %v", one, two)
	}
}

// TestNotReady: a process that waits for its broker lives and is not ready.
func TestNotReady(t *testing.T) {
	t.Parallel()
	s := bareSite(t, mixedAccounts, nil)
	s.config["kafka"] = fmt.Sprintf("{brokers: [%q], topic: %s, group: g}", freeAddr(t), s.topic)
	s.configure()
	s.want(3, "ingest", "init")
	addr := freeAddr(t)
	p := s.start("ingest", "run", "--metrics", addr)
	s.waitFor("/healthz", func() bool {
		code, _ := get(t, addr, "/healthz")
		return code == http.StatusOK || !p.running()
	})
	if code, text := get(t, addr, "/readyz"); p.running() && (code != http.StatusServiceUnavailable || !strings.Contains(text, "nothing is open yet")) {
		t.Errorf("/readyz answers %d: %s", code, text)
	}
	if code, _ := get(t, addr, "/debug/pprof/"); p.running() && code != http.StatusNotFound {
		t.Errorf("/debug/pprof/ without --pprof answers %d", code)
	}
	s.want(2, "ingest", "run", "--pprof").says(t, "--metrics ADDR")
	s.want(2, "ingest", "run", "--log-format", "xml").says(t, "text or json")
}
