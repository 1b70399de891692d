//go:build unix

package endtoend

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The exit code of every command is as the README says, whatever is wrong with what it needs: 2 where configuration or files are wrong, 3 where
// what it depends on cannot be reached or this user may not touch it, and 0 where a command does not need what is amiss.
func TestExitCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs hundreds of commands")
	}
	t.Parallel()
	onEmbedded(t)
	dir := asNobody(t)
	needs := map[string]string{ // c config, k GUID key, P seals' public key, S their private one, s state, l ledger, a accounts, b broker
		"ingest load events.ndjson": "ckPb", "ingest run --until-end": "ckPsb", "ingest recount --month 2025-04": "ckPslb",
		"rollup status --month 2025-04": "ckslab", "rollup months": "csl", "rollup usage --month 2025-03": "cl", "rollup invoices --month 2025-03": "cl",
		"rollup verify --month 2025-03": "ckPslb", "rollup verify --from-sealed --month 2025-03": "ckPsl", "rollup explain --month 2025-03 --app a1 --guid device-1": "ckPsl",
		"rollup export --month 2025-03 --force": "cPsl", "rollup compare --months 2025-03 --plan tcsas/enterprise": "csl", "rollup plans": "c",
		"rollup subscription --account acme": "ca", "rollup bill-day --date 2025-03-05": "cl", "rollup close --month 2025-03": "ckPSl",
	}
	files := map[string]string{"c": "headcount.yaml", "k": "data/guid.key", "P": "data/seal.pub", "S": "data/seal.key", "s": "data/state", "l": "data/ledger.db", "a": "accounts.yaml"}
	run := func(line string, more ...string) (int, string) {
		t.Helper()
		args := strings.Fields(line)
		c := exec.CommandContext(t.Context(), filepath.Join(binaries, args[0]), append(args[1:], more...)...)
		var errs bytes.Buffer
		c.Dir, c.Env, c.Stderr = dir, os.Environ(), &errs
		if os.Getuid() == 0 {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		if err := c.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode(), strings.TrimSpace(errs.String())
	}
	for _, line := range []string{"ingest init --from 2025-03", "ingest load events.ndjson", "ingest load april.ndjson", "ingest run --until-end", "rollup close --month 2025-03"} {
		if code, said := run(line); code != 0 {
			t.Fatalf("%s: %d, %s", line, code, said)
		}
	}
	tried := 0
	try := func(fault, letter string, want int, more ...string) {
		t.Helper()
		for line, of := range needs {
			expected := 0
			if strings.Contains(of, letter) {
				expected = want
				if want == 2 && letter == "k" && strings.HasPrefix(line, "rollup verify") {
					expected = 1 // verify says of each thing that it is wrong, and goes on
				}
			}
			tried++
			if code, said := run(line, more...); code != expected {
				t.Errorf("%s, %s: exit code %d, want %d: %s", fault, line, code, expected, said)
			}
		}
	}
	try("nothing is wrong", "-", 0)
	without := filepath.Join(dir, "elsewhere.yaml") // no broker answers, and none is embedded
	must(t, os.WriteFile(without, []byte("billing: {from: 2025-03}\nkafka: {brokers: [\"127.0.0.1:1\"], topic: t, group: \"\"}\n"), 0o600), os.Chown(without, owner(), owner()))
	try("no broker", "b", 3, "--config", without)
	for letter, name := range files {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		must(t, os.Chmod(path, 0))
		try(name+" that may not be touched", letter, 3)
		must(t, os.Chmod(path, info.Mode().Perm()))
		if info.IsDir() || letter == "l" { // of a ledger nobody can say whether it is wrong or unreachable
			continue
		}
		if letter == "P" { // what was closed is checked against it, and differs: that is what verify says; explain and export read sealed files alone
			continue
		}
		must(t, os.Rename(path, path+".away"), os.WriteFile(path, []byte("{[ nothing of the kind"), 0o600), os.Chown(path, owner(), owner()))
		try(name+" that is nonsense", letter, 2)
		must(t, os.Rename(path+".away", path))
	}
	if tried < 200 {
		t.Errorf("%d commands were tried", tried)
	}
}

// nobody is a user that may touch nothing.
const nobody = 65534

// owner is whose files the commands may touch: -1 is whoever runs the test.
func owner() int {
	if os.Getuid() == 0 {
		return nobody
	}
	return -1
}

// asNobody makes a folder of a site for a user who is not root, whom file modes do not hold.
func asNobody(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "headcount-codes-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range map[string]string{
		"headcount.yaml": "billing: {from: 2025-03}\nkafka: {brokers: [" + freeAddr(t) + "], topic: t, embedded: {data_dir: data/kafka, partitions: 1}}\n",
		"accounts.yaml":  openAccount,
		"april.ndjson":   `{"specversion":"1.0","type":"miniprogram.open","id":"2","source":"s","time":"2025-04-03T08:15:30Z","subject":"device-1","superapp":"a1"}` + "\n",
		"events.ndjson":  `{"specversion":"1.0","type":"miniprogram.open","id":"1","source":"s","time":"2025-03-03T08:15:30Z","subject":"device-1","superapp":"a1"}` + "\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600), os.Chown(filepath.Join(dir, name), owner(), owner()))
	}
	must(t, os.Chmod(dir, 0o755), os.Chown(dir, owner(), owner()), os.Chmod(binaries, 0o755))
	for _, program := range []string{"ingest", "rollup"} {
		must(t, os.Chmod(filepath.Join(binaries, program), 0o755))
	}
	return dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
