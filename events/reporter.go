package events

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reporter may report quantities, usage that is not people: of some meters, for some apps, signed with its key.
type Reporter struct {
	ID     string   `json:"id"`     // that its reports name as their source
	Key    string   `json:"key"`    // Ed25519 public key, base64
	Meters []string `json:"meters"` // ids, or patterns in which * stands for any text; sorted
	Apps   []string `json:"apps"`   // likewise
}

// The longest id of a reporter, and of what it may report, bytes.
const (
	MaxReporterBytes = 256
	maxPatternBytes  = 64
)

// Reporter returns who reports under an id; nil: nobody.
func (r *MonthRules) Reporter(id string) *Reporter {
	i, found := slices.BinarySearchFunc(r.Reporters, id, func(r Reporter, id string) int { return strings.Compare(r.ID, id) })
	if !found {
		return nil
	}
	return &r.Reporters[i]
}

// PublicKey returns the key that the reporter's signatures are checked with.
func (r *Reporter) PublicKey() (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(r.Key)
	if err != nil || len(raw) != ed25519.PublicKeySize || base64.StdEncoding.EncodeToString(raw) != r.Key {
		return nil, fmt.Errorf("reporter %s: key is not an Ed25519 public key in base64", r.ID)
	}
	return raw, nil
}

// MayReport says whether a meter is among the reporter's.
func (r *Reporter) MayReport(meter string) bool { return matchesAny(r.Meters, meter) }

// MayReportFor says whether an app is among the reporter's.
func (r *Reporter) MayReportFor(app string) bool { return matchesAny(r.Apps, app) }

func (r *Reporter) String() string {
	return fmt.Sprintf("key %s for meters %s of apps %s", r.Key, strings.Join(r.Meters, " "), strings.Join(r.Apps, " "))
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// matches says whether a pattern fits all of a name. A * stands for any text, also none; all else for itself.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return name == pattern
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] { // the earliest place leaves most for the others
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return true
}

// normalReporters returns reporters as rules hold them, sorted, each list too.
func normalReporters(reporters []Reporter) []Reporter {
	all := slices.Clone(reporters)
	for i := range all {
		all[i].Meters, all[i].Apps = sortedOnce(all[i].Meters), sortedOnce(all[i].Apps)
	}
	slices.SortStableFunc(all, func(a, b Reporter) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func sortedOnce(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

func checkReporters(all []Reporter) error {
	for i := range all {
		r := &all[i]
		if !isName(r.ID, MaxReporterBytes) {
			return fmt.Errorf("reporters: id %q is not 1–%d bytes without control characters", r.ID, MaxReporterBytes)
		}
		if i > 0 && all[i-1].ID >= r.ID {
			return fmt.Errorf("reporters: %s is there twice, or they are not sorted", r.ID)
		}
		if _, err := r.PublicKey(); err != nil {
			return fmt.Errorf("reporters: %w", err)
		}
		for _, l := range []struct {
			field string
			list  []string
		}{{"meters", r.Meters}, {"apps", r.Apps}} {
			if err := checkPatterns(l.list); err != nil {
				return fmt.Errorf("reporters: %s: %s: %w", r.ID, l.field, err)
			}
		}
	}
	return nil
}

func checkPatterns(list []string) error {
	if len(list) == 0 {
		return errors.New(`empty: name ids or patterns such as app-*; "*" is all`)
	}
	for i, p := range list {
		if !isName(p, maxPatternBytes) {
			return fmt.Errorf("%q is not 1–%d bytes without control characters", p, maxPatternBytes)
		}
		if i > 0 && list[i-1] >= p {
			return fmt.Errorf("%q is there twice, or they are not sorted", p)
		}
	}
	return nil
}

// isName says whether text can name a reporter: 1–limit bytes of UTF-8 without control characters.
func isName(text string, limit int) bool {
	return text != "" && len(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// diffReporters names the reporters that differ, with both forms.
func diffReporters(d []string, is, want []Reporter) []string {
	text := func(in []Reporter, id string) string {
		for i := range in {
			if in[i].ID == id {
				return in[i].String()
			}
		}
		return "none"
	}
	ids := map[string]bool{}
	for _, r := range slices.Concat(is, want) {
		ids[r.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		d = differ(d, "reporters."+id, text(is, id), text(want, id))
	}
	return d
}
