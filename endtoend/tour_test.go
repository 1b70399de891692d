package endtoend

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every command of the README's tour runs as it is written, in its order, and ends with 0 or the exit code that its comment says. The month
// that is over there, October 2026, is the one that is over now.
func TestTour(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, ok := strings.Cut(string(text), "\n## A tour\n")
	if !ok {
		t.Fatal("README.md has no tour")
	}
	tour, _, _ = strings.Cut(tour, "\n## ")
	now := time.Now().UTC()
	present := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	tour = strings.NewReplacer("2026-10", present.AddDate(0, -1, 0).Format("2006-01"), "2026-11", present.Format("2006-01"), "2026-01", present.AddDate(0, -10, 0).Format("2006-01")).Replace(tour)
	dir := folder(t)
	env := append(os.Environ(), "PATH="+binaries+string(filepath.ListSeparator)+os.Getenv("PATH"), "HEADCOUNT_KAFKA_BROKERS="+freeAddr(t), "HEADCOUNT_BILLING_GRACE=0s")
	var ran []string
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(tour, -1) {
		for _, command := range commands(block[1]) {
			if strings.HasPrefix(command, "make build ") { // they are built
				continue
			}
			want := 0
			if code := exitCode.FindStringSubmatch(command); code != nil {
				want, _ = strconv.Atoi(code[1])
			}
			c := exec.CommandContext(t.Context(), "bash", "-c", command)
			var errs bytes.Buffer
			c.Dir, c.Env, c.Stderr = dir, env, &errs
			out, err := c.Output()
			if e, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
				t.Fatal(err)
			} else if got := c.ProcessState.ExitCode(); got != want {
				t.Fatalf("%s\nends with %d, want %d (%v)\n%s\n%s", command, got, want, e, out, errs.String())
			}
			if lines := strings.Count(errs.String(), "\n"); lines > 2 || strings.Contains(errs.String(), "level=INFO") {
				t.Errorf("%s\nsays %d lines beside its result:\n%s", command, lines, errs.String())
			}
			ran = append(ran, command)
		}
	}
	said := strings.Join(ran, "\n")
	for _, c := range []string{"ingest init", "ingest load", "ingest run", "rollup status", "rollup months", "rollup close", "rollup release", "rollup usage", "rollup invoices",
		"rollup verify", "rollup explain", "rollup rate", "rollup amend", "rollup compare", "ingest report"} {
		if !strings.Contains(said, c+" ") {
			t.Errorf("the tour has no %s", c)
		}
	}
}

var exitCode = regexp.MustCompile(`#.*exit code (\d)`)

// commands takes a block apart: a command is a line, with the text that it reads behind <<'END'.
func commands(block string) (all []string) {
	open := false
	for line := range strings.Lines(block) {
		if open {
			all[len(all)-1] += line
			open = line != "END\n"
			continue
		}
		if strings.TrimSpace(line) != "" {
			all = append(all, line)
		}
		open = strings.Contains(line, "<<'END'")
	}
	return all
}
