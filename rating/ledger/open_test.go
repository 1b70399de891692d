package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// refusal checks an error: its sentinel, and the words that name the thing and the remedy.
func refusal(t *testing.T, what string, err, is error, words ...string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		t.Errorf("%s: got %v, want %v", what, err, is)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
}

func closed(l *Ledger, err error) error {
	if l != nil {
		l.Close()
	}
	return err
}

func TestURLs(t *testing.T) {
	for _, u := range []string{"", "ledger.db", "file:///x", "sqlite://", "sqlite://x?mode=rw", "sqlite://x?busy_timeout=5", "sqlite://x?busy_timeout=-5s",
		"postgres://h:port/x"} {
		for _, open := range []opener{Create, Open, OpenReadOnly} {
			refusal(t, u, closed(open(t.Context(), u)), nil, u)
		}
	}
	path, _, err := sqliteURL("sqlite://data/ledger.db?busy_timeout=2s")
	if wd, _ := os.Getwd(); err != nil || path != filepath.Join(wd, "data/ledger.db") {
		t.Error(path, err)
	}
	err = closed(Open(t.Context(), "postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2"))
	refusal(t, "no server", err, ErrUnreachable, "127.0.0.1:1")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is in the message: %v", err)
	}
}

func TestSQLiteFiles(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	path := filepath.Join(folder, "ledger.db")
	url := "sqlite://" + path
	both := func(what string, is error, words ...string) {
		t.Helper()
		refusal(t, what, closed(Open(ctx, url)), is, words...)
		refusal(t, what+", reading", closed(OpenReadOnly(ctx, url)), is, words...)
	}
	both("missing", ErrMissing, path, "backup")
	if names := list(t, folder); len(names) != 0 {
		t.Errorf("opening made %v", names)
	}
	os.WriteFile(path, nil, 0o600)
	both("empty", nil, path, "not an SQLite file")
	os.WriteFile(path, []byte(strings.Repeat("accounts: []\n", 100)), 0o600)
	both("text", nil, path, "not an SQLite file")
	os.Remove(path)
	os.Mkdir(path, 0o700)
	both("a folder", nil, path)
	os.Remove(path)
	execute(t, url, "CREATE TABLE x (y)")
	both("of something else", nil, path, "something else")
	for _, n := range list(t, folder) {
		os.Remove(filepath.Join(folder, n))
	}

	l := start(t, url)
	if got, want := list(t, folder), []string{"ledger.db", "ledger.db-shm", "ledger.db-wal"}; !slices.Equal(got, want) {
		t.Errorf("created %v, want %v", got, want)
	}
	refusal(t, "again", closed(Create(ctx, url)), ErrExists, path)
	closeMonth(t, l, october, nil)
	l.Close()
	if got, want := list(t, folder), []string{"ledger.db", "ledger.db-shm", "ledger.db-wal"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v: readers would have to make what is gone", got, want)
	}
	execute(t, url, fmt.Sprintf("INSERT INTO %s (version_id, is_applied) VALUES (%d, 1)", versionTable, schemaVersion+1))
	both("newer", ErrNewer, path, "newer program")
	execute(t, url, "DELETE FROM "+versionTable+" WHERE version_id > 0")
	refusal(t, "older, reading", closed(OpenReadOnly(ctx, url)), ErrOlder, path, "for writing")
}

func list(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestArchive reads a ledger that was restored as one file: no file appears, and what a writer adds later is seen.
func TestArchive(t *testing.T) {
	ctx := t.Context()
	from := filepath.Join(t.TempDir(), "ledger.db")
	l := start(t, "sqlite://"+from)
	closeMonth(t, l, october, nil)
	head, _ := l.Head(ctx)
	folder := t.TempDir()
	to := filepath.Join(folder, "ledger.db")
	execute(t, "sqlite://"+from, "VACUUM INTO '"+to+"'")

	reader, err := OpenReadOnly(ctx, "sqlite://"+to)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if r := verified(t, reader, head); r.Head != head {
		t.Errorf("the copy's head is %s, want %s", r.Head, head)
	}
	refusal(t, "write", reader.Release(ctx, october, "acme", "r", "b", nil), ErrReadOnly, to)
	if names := list(t, folder); len(names) != 1 {
		t.Errorf("reading made %v", names)
	}
	writer, err := Open(ctx, "sqlite://"+to)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := writer.Release(ctx, october, "acme", "checked", "ann", nil); err != nil {
		t.Fatal(err)
	}
	if all, err := reader.Invoices(ctx, october); err != nil || all[0].Status != Final {
		t.Errorf("the reader does not see the release: %v", err)
	}
	verified(t, reader, head)
}

func TestReaderSeesWriter(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		reader, err := OpenReadOnly(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		if _, ok, err := reader.LastClosed(t.Context()); ok || err != nil {
			t.Fatal(ok, err)
		}
		closeMonth(t, l, october, nil)
		if month, _, err := reader.LastClosed(t.Context()); month != october || err != nil {
			t.Error(month, err)
		}
		if _, err := reader.db.Exec("DELETE FROM releases"); err == nil {
			t.Error("a reader's connection writes")
		}
	})
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := start(t, "sqlite://"+path+"?busy_timeout=50ms")
	other := rawConn(t, "sqlite://"+path)
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	_, _, err := l.Begin(t.Context(), testClosing(october, nil))
	refusal(t, "write", err, ErrLocked, path, "busy_timeout")
	if _, err := l.Head(t.Context()); err != nil {
		t.Errorf("reading beside a writer: %v", err)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Begin(t.Context(), testClosing(october, nil)); err != nil {
		t.Error(err)
	}
}

// asNobody runs a child as a user without rights, where the test has the right to do so.
func asNobody(t *testing.T, folder, name string, args ...string) error {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to become a user without rights")
	}
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	copied, err := os.OpenFile(filepath.Join(folder, "test"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(copied, self); err != nil {
		t.Fatal(err)
	}
	copied.Close()
	defer os.Remove(copied.Name())
	c := child(t, name, args...)
	c.Path, c.Dir = copied.Name(), "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var said strings.Builder
	c.Stderr = &said
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(said.String())
	}
	return err
}

func childRead(ctx context.Context, args []string) error {
	l, err := OpenReadOnly(ctx, args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = l.Verify(ctx, args[1])
	return err
}

func childWrite(ctx context.Context, args []string) error {
	l, err := Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Release(ctx, october, "acme", "checked", "ann", nil)
}

// TestReadOnlyFolder opens a ledger where nothing may be written: reading works, writing says what to do.
func TestReadOnlyFolder(t *testing.T) {
	home := t.TempDir()
	for d := home; d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) { // the folders above it belong to this test
		os.Chmod(d, 0o755)
	}
	for _, whole := range []bool{true, false} { // with F-wal and F-shm, and without
		folder := filepath.Join(home, fmt.Sprint(whole))
		os.Mkdir(folder, 0o755)
		path := filepath.Join(folder, "ledger.db")
		l := start(t, "sqlite://"+path)
		closeMonth(t, l, october, nil)
		head, _ := l.Head(t.Context())
		l.Close()
		if !whole {
			execute(t, "sqlite://"+path, "PRAGMA wal_checkpoint(TRUNCATE)")
			os.Remove(path + "-wal")
			os.Remove(path + "-shm")
		}
		for _, n := range list(t, folder) {
			os.Chmod(filepath.Join(folder, n), 0o444)
		}
		before := list(t, folder)
		if err := asNobody(t, home, "read", "sqlite://"+path, head); err != nil {
			t.Errorf("whole %v: reading: %v", whole, err)
		}
		refusal(t, "writing", asNobody(t, home, "write", "sqlite://"+path), nil, path, ErrReadOnly.Error(), "right to write")
		if after := list(t, folder); !slices.Equal(before, after) {
			t.Errorf("whole %v: %v became %v", whole, before, after)
		}
	}
	refusal(t, "creating", asNobody(t, home, "write", "sqlite://"+filepath.Join(home, "none.db")), nil, "none.db", ErrMissing.Error())
}

// childFull writes until the disk takes no more, and then once again with room.
func childFull(ctx context.Context, args []string) error {
	l, err := Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	signal.Ignore(syscall.SIGXFSZ)
	info, err := os.Stat(strings.TrimPrefix(args[0], "sqlite://") + "-wal")
	if err != nil {
		return err
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	limit := old
	limit.Cur = uint64(info.Size()) + 5000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	_, _, first := l.Begin(ctx, testClosing(october, nil))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	_, _, second := l.Begin(ctx, testClosing(october, nil))
	if first == nil || second == nil {
		return fmt.Errorf("first %v, second %v", first, second)
	}
	fmt.Printf("%v\n%v\n", first, second)
	return nil
}

// TestDiskFails sees that a failed write is never tried again in the same process, and that another process can go on.
func TestDiskFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := start(t, "sqlite://"+path)
	out, err := child(t, "full", "sqlite://"+path).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	first, second, _ := strings.Cut(string(out), "\n")
	refusal(t, "first", errors.New(first), nil, path, "the disk failed")
	refusal(t, "second", errors.New(second), nil, path, "start again")
	if _, adopted, err := l.Begin(t.Context(), testClosing(october, nil)); err != nil || adopted {
		t.Error(adopted, err)
	}
	verified(t, l)
}

// A close's log is given back when it is done: it does not stay as large as the largest write.
func TestLogIsGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := start(t, "sqlite://"+path)
	if _, _, err := l.Begin(t.Context(), testClosing(october, nil)); err != nil {
		t.Fatal(err)
	}
	r := testResult(t, october)
	r.Usage = nil
	for i := range 200 {
		r.Usage = append(r.Usage, UsageRow{App: fmt.Sprint("app-", i), Digest: "sha256:01", Document: json.RawMessage(`"` + strings.Repeat("x", 20_000) + `"`)})
	}
	if _, err := l.Commit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil || info.Size() != 0 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
	verified(t, l)
}
