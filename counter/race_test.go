//go:build race

package counter

// The race detector sees the collector's heap only: under it, dictionaries lie there.
func init() {
	for range 8 {
		regions.all = append(regions.all, &region{memory: make([]byte, regionBytes), free: regionPages, most: regionPages})
	}
}
