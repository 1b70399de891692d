package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"headcount/internal/durable"
)

func init() { syscall.Umask(0o022) }

// check holds a file to content and mode, and its folder to nothing that is left over.
func check(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != content {
		t.Errorf("%s holds %q, %v; want %q", path, b, err, content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, mode)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestHost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "er")
	path := filepath.Join(dir, "key")
	if err := durable.CreateFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, path, "secret", 0o600)
	if err := durable.CreateFile(path, []byte("other"), 0o644); !errors.Is(err, durable.ErrExists) {
		t.Errorf("a second create: %v", err)
	}
	check(t, path, "secret", 0o600)
	for mode := range map[fs.FileMode]bool{0o644: true, 0o666: true, 0o440: true} {
		open := filepath.Join(dir, mode.String())
		if err := durable.CreateFile(open, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		check(t, open, "x", mode)
	}

	archive := filepath.Join(dir, "archive")
	failed := errors.New("no more")
	err := durable.Create(t.Context(), archive, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("create whose writer fails: %v", err)
	}
	if _, err := os.Stat(archive); err == nil {
		t.Error("half a file is there")
	}

	built := filepath.Join(t.TempDir(), "built")
	if err := os.WriteFile(built, []byte("whole"), 0o640); err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(dir, "ledger")
	if err := durable.Publish(built, ledger); err != nil {
		t.Fatal(err)
	}
	check(t, ledger, "whole", 0o640)
	if _, err := os.Stat(built); err == nil {
		t.Error("the temporary name stays")
	}
	if err := os.WriteFile(built, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := durable.Publish(built, ledger); !errors.Is(err, durable.ErrExists) {
		t.Errorf("a second publish: %v", err)
	}
	check(t, ledger, "whole", 0o640)

	folder := filepath.Join(dir, "more", "folders")
	for range 2 {
		if err := durable.MakeFolder(folder); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(folder); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := durable.MakeFolder(ledger); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func holding(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page")
	for _, text := range []string{"first", "second, longer", "3"} {
		if err := durable.Replace(page, holding(text)); err != nil {
			t.Fatal(err)
		}
		check(t, page, text, 0o600)
	}
	if err := os.Chmod(page, 0o660); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("page", link); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(link, holding("through")); err != nil {
		t.Fatal(err)
	}
	check(t, page, "through", 0o660)
	if to, err := os.Readlink(link); err != nil || to != "page" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := durable.Replace(os.DevNull, holding("gone")); err != nil {
		t.Error(err)
	}
	if err := durable.Replace(filepath.Join(dir, "none", "page"), holding("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	if err := durable.Replace(dir, holding("")); err == nil {
		t.Error("a folder was replaced")
	}
}

// A temporary file is swept when its writer is gone, and not before.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	dead, live := filepath.Join(dir, durable.Temporary+"dead"), filepath.Join(dir, durable.Temporary+"live")
	if err := os.WriteFile(dead, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := durable.Host{}.Create(live)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := durable.CreateFile(filepath.Join(dir, "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the file of a dead writer stays")
	}
	if _, err := os.Stat(live); err != nil {
		t.Errorf("the file of a live writer is gone: %v", err)
	}
}
