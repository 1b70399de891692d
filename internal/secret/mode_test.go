//go:build unix

package secret

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLentTo(t *testing.T) {
	mine := []int{1000, 2000}
	for _, c := range []struct {
		mode         fs.FileMode
		owner, group int
		user         int
		want         bool
	}{
		{0o440, 0, 2000, 1000, true},
		{0o640, 0, 1000, 1000, true},
		{0o400, 0, 2000, 1000, true}, // which the system refuses
		{0o444, 0, 2000, 1000, false},
		{0o460, 0, 2000, 1000, false},
		{0o450, 0, 2000, 1000, false},
		{0o440, 0, 3000, 1000, false},
		{0o440, 1000, 2000, 1000, false}, // one's own: narrow it
		{0o440, 1001, 2000, 1000, false}, // of another user, who could change it
		{0o440, 0, 2000, 0, false},       // root's own
	} {
		if got := lentTo(c.mode, uint32(c.owner), c.group, c.user, mine); got != c.want {
			t.Errorf("%04o of %d:%d, read by %d: %t", c.mode, c.owner, c.group, c.user, got)
		}
	}
}

// TestLent reads such files as another user, which root alone can try.
func TestLent(t *testing.T) {
	if path := os.Getenv("HEADCOUNT_TEST_LENT"); path != "" {
		_, err := ReadFile(path, "key")
		if err != nil {
			os.Stdout.WriteString("REFUSED " + err.Error())
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("/tmp", "headcount-lent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	self = filepath.Join(folder, "test")
	if err := os.WriteFile(self, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[fs.FileMode]bool{0o440: false, 0o640: false, 0o444: true} {
		file := filepath.Join(folder, "key-"+mode.String())
		if err := os.WriteFile(file, []byte("secret"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, 0, 2000); err != nil {
			t.Skip("cannot give files away: ", err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(self, "-test.run", "^TestLent$")
		c.Env = append(os.Environ(), "HEADCOUNT_TEST_LENT="+file)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000, Groups: []uint32{2000}}}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Skipf("cannot run as another user: %v\n%s", err, out)
		}
		if got := strings.Contains(string(out), "REFUSED"); got != refused {
			t.Errorf("%v: %s", mode, out)
		}
	}
}
