package sim

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(2400) // much is made, and little of it lasts
	os.Exit(m.Run())
}
