//go:build race

package endtoend

// With -race the binaries under test are built with the race detector too.
func init() { buildFlags = append(buildFlags, "-race") }
