//go:build unix

package checkpoint

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"headcount/internal/durable/durabletest"
)

// Who counts into a store is seen from another opening of it, until it leaves.
func TestUnattended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not made yet")
	open := func() *Topic {
		b, err := OpenDirectory(dir)
		if err != nil {
			t.Fatal(err)
		}
		return OpenTopic(b, "t", "id")
	}
	if !open().Unattended() {
		t.Error("a folder that is not there is attended")
	}
	one := open().Attend()
	two := open().Attend()
	if open().Unattended() {
		t.Error("two attend, and nobody is said to")
	}
	one()
	if open().Unattended() {
		t.Error("one still attends")
	}
	two()
	if !open().Unattended() {
		t.Error("all have left")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// A process that is killed leaves.
func TestUnattendedAfterAKill(t *testing.T) {
	if dir := os.Getenv("ATTEND"); dir != "" {
		b, err := OpenDirectory(dir)
		if err != nil {
			t.Fatal(err)
		}
		OpenTopic(b, "t", "id").Attend()
		os.Stdout.WriteString("attends\n")
		select {}
	}
	dir := t.TempDir()
	b, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	topic := OpenTopic(b, "t", "id")
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUnattendedAfterAKill$")
	other.Env = append(os.Environ(), "ATTEND="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if topic.Unattended() {
		t.Error("another process attends, and nobody is said to")
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if !topic.Unattended() {
		t.Error("it was killed, and is said to attend")
	}
}

// A store of which it cannot be known is not said to be unattended.
func TestAttendanceUnknown(t *testing.T) {
	b, err := OpenDisk(inMemory(durabletest.NewMemory()), "state", func() string { return "x" })
	if err != nil {
		t.Fatal(err)
	}
	topic := OpenTopic(b, "t", "id")
	topic.Attend()()
	if topic.Unattended() {
		t.Error("it is not known, and is said to be")
	}
}
