package events

import (
	"fmt"

	"headcount/internal/zoneinfo"
)

// zoneinfoUntold has a template make month rules of version 3, which name no tz database.
const zoneinfoUntold = "untold"

// EarlierZoneinfo are what Template.Zoneinfo may have been for rules that were made before: the present release and the one in the
// program, then all that may have come before it, newest first, back to where rules began to name them, then none. Rules that were
// lost are made again under the one that gives their hash.
func EarlierZoneinfo() []string {
	all := []string{Zoneinfo().Release()}
	newest := zoneinfo.Embedded().Release()
	for year := releaseYear(newest); year >= 2026; year-- {
		for letter := byte('z'); letter >= 'a'; letter-- {
			if name := fmt.Sprintf("%d%c", year, letter); name <= newest && name != all[0] {
				all = append(all, name)
			}
		}
	}
	return append(all, zoneinfoUntold)
}

// releaseYear is the year of a release such as 2026f; 0: it has none.
func releaseYear(name string) (year int) {
	if zoneinfo.IsRelease(name) {
		_, _ = fmt.Sscanf(name[:4], "%d", &year)
	}
	return year
}
