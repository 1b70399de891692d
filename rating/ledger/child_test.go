package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/position"
)

// child starts the test binary as another process that runs one of children.
func child(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "LEDGER_TEST_CHILD="+name, "LEDGER_TEST_ARGS="+strings.Join(args, "\n"))
	c.Stderr = os.Stderr
	return c
}

var children = map[string]func(ctx context.Context, args []string) error{
	"close": childClose,
	"loop":  childLoop,
	"full":  childFull,
	"read":  childRead,
	"write": childWrite,
}

func runChild(name string) int {
	if err := children[name](context.Background(), strings.Split(os.Getenv("LEDGER_TEST_ARGS"), "\n")); err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		return 1
	}
	return 0
}

// childClose closes a month when its stdin ends, under a seal id of its own, and prints whose closing it was.
func childClose(ctx context.Context, args []string) error {
	l, err := Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	c := testClosing(october, nil)
	c.SealID = "seal of " + args[1]
	c, adopted, err := l.Begin(ctx, c)
	if err != nil {
		return err
	}
	r := childResult(october, args[1])
	r.SealID = c.SealID
	already, err := l.Commit(ctx, r)
	fmt.Println(c.SealID, adopted, already)
	return err
}

func childResult(month calendar.Month, who string) Result {
	return Result{Month: month, SealID: "seal-" + month.String(), Document: []byte(`{"by":"` + who + `"}`),
		Usage:  []UsageRow{{App: "a", Digest: "d", Document: []byte("{}")}},
		Outbox: [][]byte{[]byte("closed " + month.String())}}
}

// TestTwoProcesses lets processes close the same month at once: one closing, one result, and all go on with the same.
func TestTwoProcesses(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		const n = 4
		var stdins []io.Closer
		var outs []*bufio.Reader
		for i := range n {
			c := child(t, "close", url, fmt.Sprint(i))
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Wait(); err != nil {
					t.Error(err)
				}
			})
			r := bufio.NewReader(out)
			if s, err := r.ReadString('\n'); s != "ready\n" {
				t.Fatal(s, err)
			}
			stdins, outs = append(stdins, in), append(outs, r)
		}
		for _, in := range stdins {
			in.Close()
		}
		seals, began, committed := map[string]bool{}, 0, 0
		for _, r := range outs {
			s, err := r.ReadString('\n')
			f := strings.Fields(s)
			if err != nil || len(f) != 5 {
				t.Fatalf("%q, %v", s, err)
			}
			seals[f[2]] = true
			if f[3] == "false" {
				began++
			}
			if f[4] == "false" {
				committed++
			}
		}
		if len(seals) != 1 || began != 1 || committed != 1 {
			t.Errorf("seals %v, %d began, %d committed: want one of each", seals, began, committed)
		}
		if r := verified(t, l); r.Entries != 5 {
			t.Errorf("%d entries, want 5", r.Entries)
		}
	})
}

// childLoop closes month after month and says so after each step, until it is killed.
func childLoop(ctx context.Context, args []string) error {
	l, err := Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	for {
		last, ok, err := l.LastClosed(ctx)
		if err != nil {
			return err
		}
		month, p := calendar.MonthOf(2000, time.January), (*Previous)(nil)
		if ok {
			month, p = last+1, &Previous{last, []position.Partition{0, 1, 3}}
		}
		if _, _, err := l.Begin(ctx, testClosing(month, p)); err != nil {
			return err
		}
		fmt.Println("begun", month)
		r := childResult(month, "loop")
		for i := range 300 { // more than one batch
			r.Usage = append(r.Usage, UsageRow{App: fmt.Sprint("app-", i), Digest: "d", Document: []byte("{}")})
		}
		if _, err := l.Commit(ctx, r); err != nil {
			return err
		}
		fmt.Println("closed", month)
		out, err := l.Outbox(ctx)
		if err != nil {
			return err
		}
		for _, m := range out {
			if err := l.MarkSent(ctx, m.ID); err != nil {
				return err
			}
		}
		fmt.Println("sent", month)
	}
}

// TestKill kills a process somewhere in a close, again and again: what it said is there, and of what it did not say either all
// is there or nothing.
func TestKill(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		ctx := t.Context()
		l := start(t, url)
		seed := time.Now().UnixNano()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		for range 12 {
			c := child(t, "loop", url)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(out)
			said := map[string]calendar.Month{}
			line := func() bool {
				s, err := r.ReadString('\n')
				if err != nil {
					return false
				}
				f := strings.Fields(s)
				if said[f[0]], err = calendar.ParseMonth(f[1]); err != nil {
					t.Fatal(err)
				}
				return true
			}
			for range 1 + random.IntN(6) { // so that it goes on, however slow the machine is
				if !line() {
					t.Fatal("the child said nothing more")
				}
			}
			time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for line() {
			}
			c.Wait()

			reader, err := OpenReadOnly(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			verified(t, reader)
			if said["begun"] != 0 {
				if _, err := reader.Closing(ctx, said["begun"]); err != nil {
					t.Error(err)
				}
			}
			left, err := reader.Outbox(ctx)
			if err != nil || slices.ContainsFunc(left, func(m Message) bool { return m.Month <= said["sent"] }) {
				t.Errorf("outbox %v, %v; said %v", left, err, said) // what earlier rounds left is sent with the next month's
			}
			months, err := reader.Months(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range months {
				if m.Closed.IsZero() {
					if i != len(months)-1 || m.Month <= said["closed"] {
						t.Errorf("%s is not closed; said %v", m.Month, said)
					}
					continue
				}
				if r, err := reader.Result(ctx, m.Month); err != nil || len(r.Usage) != 301 || len(r.Outbox) != 1 {
					t.Errorf("%s: half a result: %d apps, %v", m.Month, len(r.Usage), err)
				}
			}
			reader.Close()
		}
		if last, ok, err := l.LastClosed(ctx); !ok {
			t.Errorf("nothing was ever closed: %s %v", last, err)
		}
	})
}

// TestCreateAtOnce makes the same ledger from several goroutines: one does, the others are told that it is there.
func TestCreateAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		const n = 4
		errs := make(chan error, n)
		for range n {
			go func() {
				l, err := Create(context.Background(), url)
				if err == nil {
					err = l.Close()
				}
				errs <- err
			}()
		}
		made := 0
		for range n {
			switch err := <-errs; {
			case err == nil:
				made++
			case !errors.Is(err, ErrExists):
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("made %d times", made)
		}
		l, err := Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if r := verified(t, l); r.Entries != 1 {
			t.Errorf("%d entries", r.Entries)
		}
	})
}
