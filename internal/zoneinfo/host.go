package zoneinfo

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// hostFolders are where systems keep the tz database.
var hostFolders = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}

// Host loads a zone from this machine's own files, and says of which release they are, empty where they do not tell. nil: the machine
// has none of that name.
func Host(name string) (zone *time.Location, release string) {
	for _, folder := range hostFolders {
		if zone, release := inFolder(folder, name); zone != nil {
			return zone, release
		}
	}
	return nil, ""
}

func inFolder(folder, name string) (*time.Location, string) {
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return nil, ""
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, ""
	}
	if text, err := os.ReadFile(filepath.Join(folder, VersionFile)); err == nil {
		return zone, strings.TrimSpace(string(text))
	}
	text, _ := os.ReadFile(filepath.Join(folder, "tzdata.zi"))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	release, _ := strings.CutPrefix(string(first), "# version ")
	return zone, release
}

// Differ returns the first instant from one to another at which two zones show different clocks; ok: there is none.
func Differ(a, b *time.Location, from, until time.Time) (at time.Time, ok bool) {
	for at = from; at.Before(until); {
		_, x := at.In(a).Zone()
		_, y := at.In(b).Zone()
		if x != y {
			return at, false
		}
		next := until
		for _, zone := range []*time.Location{a, b} {
			if _, end := at.In(zone).ZoneBounds(); end.After(at) && end.Before(next) {
				next = end
			}
		}
		at = next
	}
	return time.Time{}, true
}
