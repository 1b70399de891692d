package endtoend

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	yaml "github.com/goccy/go-yaml"

	"headcount/cmd/metrics"
	"headcount/counter/checkpoint"
)

const alertRules = "../deploy/prometheus/headcount.rules.yaml"

// alert is one of deploy/prometheus.
type alert struct {
	Alert, Expr string
	Labels      struct{ Severity string }
	Annotations struct{ Summary, Runbook string }
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal(text(t, alertRules), &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 10 {
		t.Fatalf("%d alerts", len(all))
	}
	return all
}

func text(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// metricNames finds the names in an expression, as PromQL has them.
var metricNames = regexp.MustCompile(`\b(headcount|process|go)_[a-z_]+\b`)

// TestMetricNames: what alerts, dashboard, their README and the chart ask for is what a running process shows; and whatever it shows of ours
// is in the README.
func TestMetricNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	_, addr := s.counting()
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 100))
	var shown map[string]bool
	s.waitFor("every partition's figures", func() bool {
		shown = map[string]bool{}
		got := scrape(t, addr)
		for sample := range got {
			name, _, _ := strings.Cut(sample, "{")
			shown[name] = true
			if histogram, is := strings.CutSuffix(name, "_bucket"); is {
				shown[histogram] = true
			}
		}
		return got["headcount_records_total"] == 100 && shown["headcount_partition_lag_seconds"]
	})
	asked := 0
	for _, file := range []string{alertRules, "../deploy/grafana/headcount.json", "../deploy/prometheus/README.md", "../deploy/runbook/README.md"} {
		for _, name := range metricNames.FindAllString(string(text(t, file)), -1) {
			asked++
			if !shown[name] && !slices.Contains([]string{"headcount_owner", "headcount_writer", "headcount_reader"}, name) { // roles of PostgreSQL
				t.Errorf("%s asks for %s, which ingest run does not show", file, name)
			}
		}
	}
	if asked < 80 {
		t.Errorf("only %d names were looked at", asked)
	}
	readme := string(text(t, "../deploy/prometheus/README.md"))
	for name := range shown {
		family := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "headcount_") && !strings.Contains(readme, "`"+family+"`") && !strings.Contains(readme, "`"+family+"{") {
			t.Errorf("deploy/prometheus/README.md does not say what %s is", family)
		}
	}
}

// TestRunbook: each alert has its entry, and each entry its alert.
func TestRunbook(t *testing.T) {
	runbook := string(text(t, "../deploy/runbook/README.md"))
	known := map[string]bool{}
	for _, a := range alerts(t) {
		known[a.Alert] = true
		if !strings.Contains(runbook, "\n### "+a.Alert+"\n") {
			t.Errorf("the runbook has no entry %s", a.Alert)
		}
		if want := "deploy/runbook/README.md#" + strings.ToLower(a.Alert); a.Annotations.Runbook != want {
			t.Errorf("%s: its runbook is %s, want %s", a.Alert, a.Annotations.Runbook, want)
		}
		if a.Annotations.Summary == "" || a.Labels.Severity != "critical" && a.Labels.Severity != "warning" {
			t.Errorf("%s: %+v", a.Alert, a)
		}
		if !strings.Contains(string(text(t, "../deploy/prometheus/headcount.rules_test.yaml")), "alertname: "+a.Alert+"\n") &&
			!strings.Contains(string(text(t, "../deploy/prometheus/headcount.overdue_test.yaml")), "alertname: "+a.Alert+"\n") {
			t.Errorf("%s has no test for promtool", a.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^### (Headcount\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !known[m[1]] {
			t.Errorf("the runbook has an entry %s, which is no alert", m[1])
		}
	}
}

// promtool runs Prometheus' tool for rules; without it the test is skipped.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, cut(string(out)))
	}
}

// TestRules has promtool check the rules and run their tests.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", alertRules)
	promtool(t, "test", "rules", "../deploy/prometheus/headcount.rules_test.yaml", "../deploy/prometheus/headcount.overdue_test.yaml")
}

// fault is what a process shows before something goes wrong, and while it does, and which alerts that is to fire.
type fault struct {
	name          string
	before, while scraped
	fires         []string
}

// grows says by how much a sample grows in a minute, if the fault lasts: a counter as far as it came, an age by a minute.
func (f *fault) grows(sample string) float64 {
	name, _, _ := strings.Cut(sample, "{")
	switch {
	case strings.HasSuffix(name, "_total"), strings.HasSuffix(name, "_count"), strings.HasSuffix(name, "_sum"), strings.HasSuffix(name, "_bucket"):
		return f.while[sample] - f.before[sample]
	case f.while[sample] > 0 && (strings.HasSuffix(name, "_age_seconds") || strings.HasSuffix(name, "_lag_seconds")):
		return 60
	}
	return 0
}

// test is the fault as a test for promtool: what was scraped, going on for two hours.
func (f *fault) test() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    interval: 1m\n    input_series:\n", f.name)
	for sample, v := range f.while {
		if !strings.HasPrefix(sample, "headcount_") {
			continue
		}
		name, labels, has := strings.Cut(sample, "{")
		if !has {
			labels = "}"
		} else if labels != "}" {
			labels = "," + labels
		}
		fmt.Fprintf(&b, "      - {series: '%s{job=\"h\",instance=\"a\"%s', values: '%v%+fx120'}\n", name, labels, v, f.grows(sample))
	}
	b.WriteString("    promql_expr_test:\n")
	for _, name := range f.fires {
		fmt.Fprintf(&b, "      - {expr: 'count(ALERTS{alertname=\"%s\",alertstate=\"firing\"}) > bool 0', eval_time: 110m, exp_samples: [{labels: '{}', value: 1}]}\n", name)
	}
	return b.String()
}

// TestFaultsFireAlerts makes what each alert is about, in processes, and has promtool evaluate the rules on what they show.
func TestFaultsFireAlerts(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	makers := map[string]func(*testing.T) fault{
		"records that cannot be counted": badRecords, "no dead-letter topic": noDeadLetterTopic, "open transaction": heldBack,
		"no broker": noBroker, "a process is not seen": unseen, "log cut": logCut, "broker gone": brokerGone, "store full": storeFull, "store hangs": storeHangs,
	}
	faults := make(chan fault, len(makers))
	t.Run("faults", func(t *testing.T) {
		for name, make := range makers {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := make(t)
				f.name = name
				faults <- f
			})
		}
	})
	close(faults)
	rules, err := filepath.Abs(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	tests, fired := "rule_files: ["+rules+"]\nevaluation_interval: 1m\ntests:\n", []string{
		"HeadcountWitnessesApart", // counter.TestDeviation makes the fault; rules_test.yaml has the alert
		"HeadcountCloseOverdue",   // 34 days
	}
	for f := range faults {
		tests += f.test()
		fired = append(fired, f.fires...)
	}
	file := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(file, []byte(tests), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", file)
	for _, a := range alerts(t) {
		if !slices.Contains(fired, a.Alert) {
			t.Errorf("no fault fires %s", a.Alert)
		}
	}
}

func badRecords(t *testing.T) fault {
	s := newSite(t, oneAccount, map[string]string{"limits": "{devices_per_app: 20}"})
	_, addr := s.counting()
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 1000))
	var records []record
	for i := range 100 {
		at := "2025-03-02T00:00:00Z"
		ahead := event("miniprogram.open", "two", fmt.Sprint("skewed-", i%10), at)
		ahead.Value = []byte(strings.Replace(string(ahead.Value), at, "2027-03-02T00:00:00Z", 1))
		seal := event("headcount.seal", "one", "x", at)
		records = append(records, ahead, event("unheard.of", "one", "x", at), event("miniprogram.open", "", "x", at), seal)
	}
	var before scraped
	s.waitFor("the first records", func() bool {
		before = scrape(t, addr)
		return before["headcount_records_total"] == 1000
	})
	before[`headcount_dead_letters_total{reason="over limit"}`] = 0 // the flood is a part of the fault
	s.send(nil, records)
	var while scraped
	s.waitFor("the others", func() bool {
		while = scrape(t, addr)
		return while["headcount_records_total"] == 1400
	})
	return fault{before: before, while: while, fires: []string{"HeadcountDeadLetters", "HeadcountOverLimit", "HeadcountSkewedClocks", "HeadcountUnknownTypes", "HeadcountInvalidSeals"}}
}

func noDeadLetterTopic(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	_, addr := s.counting()
	s.deleteTopic(s.topic + ".dead")
	s.send(nil, []record{event("miniprogram.open", "", "x", "2025-03-02T00:00:00Z")})
	var while scraped
	s.waitFor("a checkpoint that is late", func() bool {
		while = scrape(t, addr)
		return while.sum("headcount_partition_checkpoint_age_seconds") > 1
	})
	return fault{before: while, while: while, fires: []string{"HeadcountCheckpointOld"}}
}

func heldBack(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	_, addr := s.counting()
	s.send(nil, []record{{Record: event("miniprogram.open", "one", "x", "2025-03-02T00:00:00Z").Record, partition: 1}})
	commit := s.openTransaction(event("miniprogram.open", "one", "y", "2025-03-02T00:00:00Z"))
	var while scraped
	s.waitFor("lag", func() bool {
		while = scrape(t, addr)
		return while[`headcount_partition_lag_seconds{partition="1"}`] > 0
	})
	commit()
	return fault{before: while, while: while, fires: []string{"HeadcountLag"}}
}

func noBroker(t *testing.T) fault {
	s := bareSite(t, oneAccount, nil)
	s.startBroker()
	s.ok("ingest", "init")
	broker := s.broker
	s.broker = nil
	broker.cmd.Process.Signal(syscall.SIGSTOP) // it takes connections and answers nothing
	t.Cleanup(func() { broker.cmd.Process.Signal(syscall.SIGCONT) })
	addr := freeAddr(t)
	p := s.start("ingest", "run", "--metrics", addr)
	s.waitFor("the process to answer", func() bool {
		code, _ := get(t, addr, "/healthz")
		return code == 200 || !p.running()
	})
	while := scrape(t, addr)
	return fault{before: while, while: while, fires: []string{"HeadcountNotJoined", "HeadcountNotCounting"}}
}

func unseen(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	_, addr := s.counting("--instance", "one")
	s.counting("--instance", "two")
	var while scraped
	s.waitFor("two partitions", func() bool {
		while = scrape(t, addr)
		return while.sum("headcount_partition_phase") == 2
	})
	return fault{before: while, while: while, fires: []string{"HeadcountPartitionUnowned"}}
}

func logCut(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	goBack := s.cutLater()
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 1000))
	s.ok("ingest", "run", "--until-end")
	goBack()
	p, addr := s.counting()
	var while scraped
	s.waitFor("every partition halted", func() bool {
		while = scrape(t, addr)
		return while.sum("headcount_halts_total") == partitions || !p.running()
	})
	if code, body := get(t, addr, "/readyz"); code != 200 || !strings.Contains(body, "partition 2 is halted: ") {
		t.Errorf("/readyz answers %d and does not name what stands: %s", code, body)
	}
	return fault{before: while, while: while, fires: []string{"HeadcountPartitionHalted"}}
}

func brokerGone(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	_, addr := s.counting()
	before := scrape(t, addr)
	s.broker.cmd.Process.Signal(syscall.SIGKILL)
	s.broker = nil
	var while scraped
	s.waitFor("errors", func() bool {
		while = scrape(t, addr)
		return while["headcount_broker_errors_total"] > before["headcount_broker_errors_total"]+5
	})
	return fault{before: before, while: while, fires: []string{"HeadcountBrokerErrors"}}
}

func storeFull(t *testing.T) fault {
	s, err := metrics.Listen("127.0.0.1:0", "ingest", "v", false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	folder, err := checkpoint.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := s.Store(folder)
	before := scrape(t, s.Addr)
	if err := b.Create(t.Context(), "a", func(io.Writer) error { return syscall.ENOSPC }); err == nil {
		t.Fatal("created")
	}
	return fault{before: before, while: scrape(t, s.Addr), fires: []string{"HeadcountStoreErrors"}}
}

// storeHangs has the disk hang while a partition is restored.
func storeHangs(t *testing.T) fault {
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 1000))
	s.ok("ingest", "run", "--until-end")
	for _, segment := range s.files("data/state/*/*/1/checkpoint/*.segment") {
		if err := os.Remove(segment); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(segment, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := freeAddr(t)
	p := s.start("ingest", "run", "--metrics", addr)
	var while scraped
	s.waitFor("a partition that is restored", func() bool {
		if code, _ := get(t, addr, "/healthz"); code != 200 {
			return !p.running()
		}
		while = scrape(t, addr)
		return while.sum("headcount_partition_phase") == partitions && while[`headcount_partition_phase{partition="1",phase="restoring"}`] == 1
	})
	time.Sleep(time.Second)
	if code, body := get(t, addr, "/readyz"); code != 503 || !strings.Contains(body, "partition 1 is being restored") {
		t.Errorf("/readyz answers %d: %s", code, body)
	}
	return fault{before: while, while: while, fires: []string{"HeadcountRestoring"}}
}
