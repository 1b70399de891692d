//go:build race

package endtoend

import "os"

// With -race the binaries under test are built with the race detector too, which by default has each wait for a second before it
// ends well, in case a race turns up.
func init() {
	buildFlags = append(buildFlags, "-race")
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
}
