package events

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"headcount/internal/canonical"
)

// Rules are canonical documents, with no member left out: equal hashes mean equal rules.

// Canonical returns the document.
func (t *TopicRules) Canonical() []byte { return canonical.MustMarshal(t) }

// Hash returns the SHA-256 of the document, "sha256:" and 64 hex digits.
func (t *TopicRules) Hash() string { return canonical.Hash(t.Canonical()) }

// Canonical returns the document.
func (r *MonthRules) Canonical() []byte { return canonical.MustMarshal(r) }

// Hash returns the SHA-256 of the document, "sha256:" and 64 hex digits.
func (r *MonthRules) Hash() string {
	if known := r.known(); known != nil {
		return known.hash
	}
	return canonical.Hash(r.Canonical())
}

// ParseTopicRules reads a canonical document and validates it.
func ParseTopicRules(doc []byte) (*TopicRules, error) {
	t := &TopicRules{}
	if err := parseCanonical(doc, t, topicRulesVersion, topicRulesVersion, func() int { return t.Version }); err != nil {
		return nil, fmt.Errorf("topic rules: %w", err)
	}
	if err := t.validate(); err != nil {
		return nil, fmt.Errorf("topic rules: %w", err)
	}
	return t, nil
}

// ParseMonthRules reads a canonical document and validates it. The rules are not to be changed.
func ParseMonthRules(doc []byte) (*MonthRules, error) {
	r := &MonthRules{}
	if err := parseCanonical(doc, r, monthRulesOldest, monthRulesVersion, func() int { return r.Version }); err != nil {
		return nil, fmt.Errorf("month rules: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, fmt.Errorf("month rules: %w", err)
	}
	kinds, err := newKindTable(r)
	if err != nil {
		return nil, fmt.Errorf("month rules: %w", err)
	}
	r.read = &readRules{of: r, hash: canonical.Hash(doc), kinds: kinds}
	return r, nil
}

// parseCanonical reads doc into v; oldest to newest are the versions that this program reads, got the one that was read.
func parseCanonical(doc []byte, v any, oldest, newest int, got func() int) error {
	err := canonical.Unmarshal(doc, v)
	if err != nil && !errors.Is(err, canonical.ErrForm) {
		return err
	}
	switch v := got(); {
	case 0 < v && v < oldest:
		return fmt.Errorf("%w: %d, this program reads %d: an older release has counted by them, whose fingerprints are others: use that release; or move state and ledger away, and have the log counted again", ErrVersion, v, newest)
	case v < oldest || v > newest:
		return fmt.Errorf("%w: %d, this program reads %d: use the release that wrote it or a newer one", ErrVersion, v, newest)
	}
	if err != nil {
		return fmt.Errorf("%w: restore the file as it was written", err)
	}
	return nil
}

// Diff names the fields in which the rules a configuration asks for differ from those that stand, with both values. The day
// boundaries with their tz database and the GUID key's id are left out: they come from no setting, what is fixed for the month holds.
func (r *MonthRules) Diff(want *MonthRules) []string {
	d := differ(nil, "topic_rules", r.TopicHash, want.TopicHash)
	if !maps.Equal(r.Types, want.Types) {
		types := map[string]string{}
		maps.Copy(types, r.Types)
		maps.Copy(types, want.Types)
		for _, t := range slices.Sorted(maps.Keys(types)) {
			d = differ(d, "types."+t, orNotCounted(r.Types[t]), orNotCounted(want.Types[t]))
		}
	}
	if !slices.Equal(r.Kinds, want.Kinds) {
		d = differ(d, "kinds", strings.Join(r.Kinds, " "), strings.Join(want.Kinds, " "))
	}
	d = differ(d, "identity.placeholders", strings.Join(r.NoIDs, " "), strings.Join(want.NoIDs, " "))
	d = differ(d, "precision", r.Precision, want.Precision)
	d = differ(d, "limits.apps_per_partition", r.Limits.AppsPerPartition, want.Limits.AppsPerPartition)
	d = differ(d, "limits.record_bytes", r.Limits.RecordBytes, want.Limits.RecordBytes)
	d = differ(d, "limits.quantity_sources", r.Limits.QuantitySources, want.Limits.QuantitySources)
	d = differ(d, "limits.devices_per_app", orNoLimit(r.Limits.DevicesPerApp), orNoLimit(want.Limits.DevicesPerApp))
	d = differ(d, "limits.devices_per_partition", orNoLimit(r.Limits.DevicesPerPartition), orNoLimit(want.Limits.DevicesPerPartition))
	d = differ(d, "seal_key", r.SealKey, want.SealKey)
	return diffReporters(d, r.Reporters, want.Reporters)
}

// Diff names the fields in which the rules a configuration asks for differ from those that stand, with both values.
func (t *TopicRules) Diff(want *TopicRules) []string {
	is, wanted := t.Fields.Resolved(), want.Fields.Resolved()
	d := differ(nil, "version", t.Version, want.Version)
	d = differ(d, "time_zone", t.TimeZone, want.TimeZone)
	d = differ(d, "fields.type", is.Type, wanted.Type)
	d = differ(d, "fields.guid", is.GUID, wanted.GUID)
	d = differ(d, "fields.app", is.App, wanted.App)
	d = differ(d, "fields.time", is.Time, wanted.Time)
	d = differ(d, "fields.app.const", orNone(is.AppConst), orNone(wanted.AppConst))
	d = differ(d, "time_unit", orNone(is.TimeUnit), orNone(wanted.TimeUnit))
	d = differ(d, "skew_ms", t.SkewMS, want.SkewMS)
	d = differ(d, "oldest_ms", t.OldestMS, want.OldestMS)
	d = differ(d, "grammar", t.Grammar, want.Grammar)
	return append(d, t.DiffBounds(want)...)
}

// DiffBounds is Diff of what a recount may change: where the books open, and how far back events reach. The instant at which the books
// open is left out: it comes from no setting, and a newer tz database does not move it.
func (t *TopicRules) DiffBounds(want *TopicRules) []string {
	d := differ(nil, "from", orNoFrom(t.From), orNoFrom(want.From))
	return differ(d, "limits.months_back", orNoLimit(t.MonthsBack), orNoLimit(want.MonthsBack))
}

// differ adds a field to d where its values differ.
func differ[T comparable](d []string, field string, is, wanted T) []string {
	if is == wanted {
		return d
	}
	return append(d, fmt.Sprintf("%s is %v, the configuration says %v", field, is, wanted))
}

func orNoFrom(m Month) string {
	if m == 0 {
		return "none"
	}
	return m.String()
}

func orNoLimit(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

func orNotCounted(kind string) string {
	if kind == "" {
		return "not counted"
	}
	return kind
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
