package cli

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// lockedBuffer is written by the command and by what answers signals.
type lockedBuffer struct {
	turn sync.Mutex
	b    bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) has(text string) bool {
	l.turn.Lock()
	defer l.turn.Unlock()
	return strings.Contains(l.b.String(), text)
}

// A SIGHUP reads again what the command says, logs what cannot be read, and ends nothing.
func TestHangup(t *testing.T) {
	var logged lockedBuffer
	p := &Program{Out: &logged, Err: &logged}
	hup := func(want string) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); !logged.has(want); time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("the log does not say %q", want)
			}
		}
	}
	root := Root(p, "test", "")
	root.AddCommand(&cobra.Command{Use: "wait", RunE: func(*cobra.Command, []string) error {
		hup("keeps nothing of accounts")
		p.OnHangup(func() (string, error) { return "3 accounts", nil })
		hup("3 accounts")
		p.OnHangup(func() (string, error) { return "", errors.New("accounts.yaml:7:3") })
		hup("accounts.yaml:7:3")
		return nil
	}})
	root.SetArgs([]string{"wait", "--verbose"})
	if code := Execute(p, root); code != Done {
		t.Errorf("exit code %d", code)
	}
}
