package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"headcount/internal/durable"
	"headcount/internal/durable/durabletest"
)

func TestNamesThatAreRefused(t *testing.T) {
	for _, name := range []string{"", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/.b", durable.Temporary + "x", "a b", "a\x00", "ä", strings.Repeat("a", 256), strings.Repeat("a/", 600) + "a"} {
		if CheckName(name) == nil {
			t.Errorf("CheckName(%q): no error", name)
		}
	}
	for _, name := range []string{"a", "a/b.c/d-e_f%2E", strings.Repeat("a", 255)} {
		if err := CheckName(name); err != nil {
			t.Errorf("CheckName(%q): %v", name, err)
		}
	}
}

func TestWordsBecomeElements(t *testing.T) {
	seen := map[string]string{}
	for _, word := range []string{"sdk-events", "..", ".", ".x", "a/b", "%2E", "%", "a%2Fb", "ä", "a\x00b", "A.b_c-9"} {
		e := escape(word)
		if err := CheckName(e); err != nil {
			t.Errorf("escape(%q) = %q: %v", word, e, err)
		}
		if seen[e] != "" {
			t.Errorf("escape(%q) = escape(%q)", word, seen[e])
		}
		seen[e] = word
		if back, err := unescape(e); err != nil || back != word {
			t.Errorf("unescape(%q) = %q, %v, want %q", e, back, err, word)
		}
	}
	if e := escape("sdk-events"); e != "sdk-events" {
		t.Errorf("a plain topic's folder is %q", e)
	}
	for _, e := range []string{"%", "%2", "%2e", "%41", "%zz", "a b"} {
		if word, err := unescape(e); err == nil {
			t.Errorf("unescape(%q) = %q, want an error", e, word)
		}
	}
}

func TestOpenURL(t *testing.T) {
	t.Chdir(t.TempDir())
	abs := filepath.Join(t.TempDir(), "x", "y")
	for _, c := range []struct{ url, folder string }{
		{"file://data/state", "data/state"}, {"file://" + abs, abs}, {"file://./here/", "here"}, {"file://50%25", "50%25"},
	} {
		b, err := Open(t.Context(), c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if _, err := os.Stat(c.folder); err == nil {
			t.Errorf("%s: the folder was made by opening it", c.url)
		}
		if err := create(t, b, "a/b", "c"); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(filepath.Join(c.folder, "a", "b")); err != nil || string(got) != "c" {
			t.Errorf("%s: %q, %v", c.url, got, err)
		}
	}
	for _, url := range []string{"", "data/state", "s3://bucket/prefix", "file://", "file://a?b=c", "file:data"} {
		if _, err := Open(t.Context(), url); err == nil {
			t.Errorf("Open(%q): no error", url)
		}
	}
	os.WriteFile("plain", nil, 0o644)
	if _, err := Open(t.Context(), "file://plain"); err == nil {
		t.Error("a plain file was opened as a folder")
	}
}

// buckets are the same store on the host and in memory.
func buckets(t *testing.T) map[string]Bucket {
	t.Helper()
	host, err := OpenDirectory(filepath.Join(t.TempDir(), "deep", "er"))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := openOn(inMemory(durabletest.NewMemory()), "data/state")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Bucket{"host": host, "memory": mem}
}

func TestBucket(t *testing.T) {
	for name, b := range buckets(t) {
		t.Run(name, func(t *testing.T) {
			for _, n := range []string{"t/1/a", "t/1/b", "t/10/a", "u", "t/1/ab/c"} {
				if err := create(t, b, n, "of "+n); err != nil {
					t.Fatal(err)
				}
			}
			if err := create(t, b, "u", "other"); !errors.Is(err, ErrExists) {
				t.Errorf("second create: %v, want ErrExists", err)
			}
			if got := content(t, b, "u"); got != "of u" {
				t.Errorf("a second create changed the file to %q", got)
			}
			for prefix, want := range map[string][]string{
				"": {"t/1/a", "t/1/ab/c", "t/1/b", "t/10/a", "u"}, "t/": {"t/1/a", "t/1/ab/c", "t/1/b", "t/10/a"},
				"t/1": {"t/1/a", "t/1/ab/c", "t/1/b", "t/10/a"}, "t/1/": {"t/1/a", "t/1/ab/c", "t/1/b"},
				"t/1/a": {"t/1/a", "t/1/ab/c"}, "t/2/": nil, "x": nil,
			} {
				if got, err := b.List(t.Context(), prefix); err != nil || !slices.Equal(got, want) {
					t.Errorf("List(%q) = %v, %v, want %v", prefix, got, err, want)
				}
			}
			if _, err := b.Open(t.Context(), "t/3"); !errors.Is(err, ErrNotFound) {
				t.Errorf("open of nothing: %v", err)
			}
			for range 2 {
				if err := b.Delete(t.Context(), "t/1/a"); err != nil {
					t.Error(err)
				}
			}
			if _, err := b.Open(t.Context(), "t/1/a"); !errors.Is(err, ErrNotFound) {
				t.Errorf("open of what was deleted: %v", err)
			}
			if err := create(t, b, "../out", ""); err == nil {
				t.Error("a file outside the bucket was made")
			}
			failed := errors.New("no more")
			err := b.Create(t.Context(), "t/half", func(w io.Writer) error { io.WriteString(w, "x"); return failed })
			if !errors.Is(err, failed) {
				t.Errorf("create whose writer fails: %v", err)
			}
			if _, err := b.Open(t.Context(), "t/half"); !errors.Is(err, ErrNotFound) {
				t.Errorf("half a file is there: %v", err)
			}
		})
	}
}

// One of many who create the same file at once does, the others learn that it exists, and nothing is left over.
func TestCreateRace(t *testing.T) {
	folder := t.TempDir()
	for round := range 20 {
		var wg sync.WaitGroup
		won := make([]bool, 8)
		for i := range won {
			b, err := OpenDirectory(folder) // a bucket each, as processes have
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				err := b.Create(t.Context(), fmt.Sprintf("new%d/file", round), func(w io.Writer) error {
					_, err := fmt.Fprint(w, i)
					return err
				})
				won[i] = err == nil
				if err != nil && !errors.Is(err, ErrExists) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b, _ := OpenDirectory(folder)
		got := content(t, b, fmt.Sprintf("new%d/file", round))
		for i, w := range won {
			if w != (fmt.Sprint(i) == got) {
				t.Errorf("round %d: writer %d won: %v, the file is of %s", round, i, w, got)
			}
		}
		entries, err := os.ReadDir(filepath.Join(folder, fmt.Sprintf("new%d", round)))
		if err != nil || len(entries) != 1 {
			t.Errorf("left over: %v, %v", entries, err)
		}
	}
}

// A temporary file is swept when its writer is gone, and not before.
func TestSweep(t *testing.T) {
	folder := t.TempDir()
	dead := filepath.Join(folder, durable.Temporary+"dead")
	os.WriteFile(dead, []byte("x"), 0o644)
	live, err := hostDisk{}.Create(filepath.Join(folder, durable.Temporary+"live"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := OpenDirectory(folder)
	if err := create(t, b, "a", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the file of a dead writer stays")
	}
	if _, err := os.Stat(filepath.Join(folder, durable.Temporary+"live")); err != nil {
		t.Errorf("the file of a live writer is gone: %v", err)
	}
	live.Close()
}

// After a crash at any operation, what Create had promised is there, and nothing else is by half.
func TestBucketCrash(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4} {
		for k := 0; ; k++ {
			disk := inMemory(durabletest.NewMemory())
			fired := disk.CrashAt(k)
			b, err := openOn(disk, "data/state")
			if err != nil {
				t.Fatal(err)
			}
			var promised []string
			names := []string{"t/1/a", "t/1/b", "t/2/a"}
			for _, n := range names {
				if err := create(t, b, n, strings.Repeat(n, 10)); err == nil {
					promised = append(promised, n)
				}
			}
			for lost, memory := range disk.Losses(seed, k) {
				where := fmt.Sprintf("seed %d, crash at operation %d, %s of what was not synced lost", seed, k, lost)
				after := inMemory(memory)
				b, err = openOn(after, "data/state")
				if err != nil {
					t.Fatal(err)
				}
				found, err := b.List(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range promised {
					if !slices.Contains(found, n) {
						t.Fatalf("%s: %s is gone", where, n)
					}
				}
				for _, n := range found {
					if got := content(t, b, n); got != strings.Repeat(n, 10) {
						t.Fatalf("%s: %s holds %q", where, n, got)
					}
				}
				for _, n := range names {
					if err := create(t, b, n, strings.Repeat(n, 10)); err != nil && !errors.Is(err, ErrExists) {
						t.Fatal(err)
					}
				}
				if n := after.Temporaries(); n != 0 {
					t.Errorf("%s: %d temporary files stay", where, n)
				}
			}
			if !*fired {
				break
			}
		}
	}
}

// An existing file, once seen by Create or persisted, lasts, whoever made it and died.
func TestFoundFilesLast(t *testing.T) {
	for _, how := range []string{"create", "persist"} {
		disk := inMemory(durabletest.NewMemory())
		first, _ := openOn(disk, "data")
		// The first dies between publishing and syncing the folder.
		disk.Before = func(op, path string) error {
			if op == "sync folder" && path == "data/t" {
				disk.Dead = true
				return durabletest.ErrDead
			}
			return nil
		}
		if err := create(t, first, "t/a", "x"); err == nil {
			t.Fatal("no crash")
		}
		alive := inMemory(disk.Memory)
		b, _ := openOn(alive, "data")
		var err error
		if how == "create" {
			if err = create(t, b, "t/a", "y"); errors.Is(err, ErrExists) {
				err = nil
			}
		} else {
			err = persist(t.Context(), b, "t/a")
		}
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		b, _ = openOn(inMemory(disk.Lose(nil)), "data")
		if got := content(t, b, "t/a"); got != "x" {
			t.Errorf("%s: got %q", how, got)
		}
	}
}

// An operation that fails leaves the name free or whole; a failed fsync ends all writing.
func TestBucketFailures(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO} {
		for k := 0; ; k++ {
			disk := inMemory(durabletest.NewMemory())
			b, _ := openOn(disk, "data")
			fired, op := disk.FailAt(k, with)
			err := create(t, b, "t/a", "whole")
			if !*fired {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			again := create(t, b, "t/a", "whole")
			if strings.HasPrefix(*op, "sync") {
				if !errors.Is(err, ErrFatal) || !errors.Is(err, with) || !errors.Is(again, ErrFatal) {
					t.Errorf("%v at %s: got %v, then %v; want ErrFatal twice", with, *op, err, again)
				}
				continue
			}
			if err != nil && (errors.Is(err, ErrFatal) || !errors.Is(err, with)) {
				t.Errorf("%v at %s: %v", with, *op, err)
			}
			if err == nil && !errors.Is(again, ErrExists) || err != nil && again != nil {
				t.Errorf("%v at %s: got %v, then %v", with, *op, err, again)
			}
			if got := content(t, b, "t/a"); got != "whole" {
				t.Errorf("%v at %s: file holds %q", with, *op, got)
			}
		}
	}
}
