//go:build purego || !amd64

package batch

// readExtents finds the extent of the record at b[i:].
func readExtents(b []byte, i int, to []extent) (n int, err error) {
	to[0], err = readExtent(b, i)
	return 1, err
}
