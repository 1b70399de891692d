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

	"headcount/events/identity"
	"headcount/internal/appid"
)

// Template is what the configuration says of rules: the topic's, and those of every month that has none yet.
type Template struct {
	TimeZone  string // IANA name
	Fields    Fields
	Types     map[string]string // event type → kind, added to the built-in ones or replacing them
	Precision int               // of the sketches: 2^p registers
	Limits    Limits
	KeyID     string // of the newest GUID key

	Placeholders     []string // ids that are none, beside identity.DefaultPlaceholders
	OnlyPlaceholders bool     // without those
	SealKey          ed25519.PublicKey
	Reporters        []Reporter // in any order

	From       Month // where the books open; 0: no bound
	MonthsBack int   // how many months an event may lie before its record, and after what is sealed; 0: no bound

	Zoneinfo string // release of the tz database that rules name; empty: of the one in use; see EarlierZoneinfo
}

// DefaultLimits hold where the configuration sets none.
var DefaultLimits = Limits{AppsPerPartition: 250_000, RecordBytes: 1 << 20, QuantitySources: 10_000}

// DefaultMonthsBack holds where the configuration says nothing: what is further away is no month that anybody bills.
const DefaultMonthsBack = 119

// DefaultPrecision of the sketches: 2^14 registers, a standard error of 0.81 %.
const DefaultPrecision = 14

// isKindName says whether a configured kind may be called so: it becomes part of meters, JSON and labels.
func isKindName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '_' && c != '.' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// FirstFrom and LastFrom are the months in which books can open.
const (
	FirstFrom = Month(2000 * 12)
	LastFrom  = Month(9998*12 + 11)
)

const (
	maxTypeBytes = 256
	maxPathNames = 8

	maxPlaceholders = 10_000

	minPrecision = 4
	maxPrecision = 16
)

// Validate says what is wrong with the template, naming the field as the configuration does.
func (t *Template) Validate() error {
	if err := t.Topic().validate(); err != nil {
		return err
	}
	if len(t.SealKey) != ed25519.PublicKeySize {
		return fmt.Errorf("seal key: %d bytes where an Ed25519 public key has %d", len(t.SealKey), ed25519.PublicKeySize)
	}
	_, err := t.Month(MonthOf(2000, 1))
	return err
}

// Topic returns the rules that the topic gets where it has none.
func (t *Template) Topic() *TopicRules {
	r := &TopicRules{
		Version: topicRulesVersion, TimeZone: t.TimeZone, Fields: t.Fields.Resolved(),
		SkewMS: skewMS, OldestMS: oldestMS, Grammar: grammar, From: t.From, MonthsBack: t.MonthsBack,
	}
	if zone, err := LoadZone(t.TimeZone); err == nil && t.From != 0 { // a zone that is none is refused elsewhere
		r.FromMS = DayStart(zone, t.From.Year(), t.From.Calendar(), 1) * 1000
	}
	return r
}

// Month returns the rules that m gets where it has none.
func (t *Template) Month(m Month) (*MonthRules, error) {
	zone, err := LoadZone(t.TimeZone)
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(builtinTypes)+len(t.Types))
	for name, k := range builtinTypes {
		types[name] = KindNames[k]
	}
	maps.Copy(types, t.Types)
	r := &MonthRules{
		Version: monthRulesVersion, Month: m, TopicHash: t.Topic().Hash(), DayStarts: dayStarts(zone, m),
		Types: types, Kinds: kindList(types), Precision: t.Precision, Limits: t.Limits,
		Prints: fingerprints, NoIDs: t.placeholders(), KeyID: t.KeyID, SealKey: base64.StdEncoding.EncodeToString(t.SealKey),
		Reporters: normalReporters(t.Reporters), Zoneinfo: t.Zoneinfo,
	}
	switch t.Zoneinfo {
	case "":
		r.Zoneinfo = Zoneinfo().Release()
	case zoneinfoUntold:
		r.Version, r.Zoneinfo = monthRulesOldest, ""
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// placeholders returns all, as they stand in a month's rules.
func (t *Template) placeholders() []string {
	all := []string{}
	if !t.OnlyPlaceholders {
		all = append(all, identity.DefaultPlaceholders...)
	}
	for _, p := range t.Placeholders {
		all = append(all, strings.ToLower(p))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// kindList returns the built-in kinds in their order, then the others that types name, sorted.
func kindList(types map[string]string) []string {
	kinds := slices.Clone(KindNames[:])
	for _, k := range types {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds[len(KindNames):])
	return kinds
}

// Resolved returns the fields with those of CloudEvents where none are named.
func (f Fields) Resolved() Fields {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	r := Fields{Type: or(f.Type, "type"), GUID: or(f.GUID, "subject"), Time: or(f.Time, "time"), AppConst: f.AppConst, TimeUnit: f.TimeUnit}
	if f.AppConst == "" {
		r.App = or(f.App, "superapp")
	}
	return r
}

// TimeUnits are how many of each unit make a second.
var TimeUnits = map[string]int64{"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}

// CloudEventsFields are the fields of a CloudEvent.
var CloudEventsFields = Fields{}.Resolved()

func (f Fields) validate() error {
	f = f.Resolved()
	if f.AppConst != "" && (len(f.AppConst) > appid.MaxBytes || !utf8.ValidString(f.AppConst) || strings.ContainsFunc(f.AppConst, unicode.IsControl)) {
		return fmt.Errorf("events.fields.app.const: %q is not 1–%d bytes of UTF-8 without control characters", f.AppConst, appid.MaxBytes)
	}
	if f.TimeUnit != "" && TimeUnits[f.TimeUnit] == 0 {
		return fmt.Errorf("events.time_unit: %q is none of s, ms, us, ns", f.TimeUnit)
	}
	named := []struct{ field, path string }{{"type", f.Type}, {"guid", f.GUID}, {"app", f.App}, {"time", f.Time}}
	if f.AppConst != "" {
		named = slices.Delete(named, 2, 3)
	}
	for i, n := range named {
		names := strings.Split(n.path, ".")
		if len(names) > maxPathNames || len(n.path) > maxTypeBytes {
			return fmt.Errorf("events.fields.%s: more than %d names or %d bytes", n.field, maxPathNames, maxTypeBytes)
		}
		if slices.Contains(names, "") || !utf8.ValidString(n.path) {
			return fmt.Errorf("events.fields.%s: %q is no path: write names with dots between them, such as data.device.guid", n.field, n.path)
		}
		for _, o := range named[:i] {
			if o.path == n.path || strings.HasPrefix(o.path, n.path+".") || strings.HasPrefix(n.path, o.path+".") {
				return fmt.Errorf("events.fields.%s: %q lies where events.fields.%s (%q) does: each needs a place of its own", n.field, n.path, o.field, o.path)
			}
		}
	}
	return nil
}

func (t *TopicRules) validate() error {
	if _, err := LoadZone(t.TimeZone); err != nil {
		return fmt.Errorf("time_zone: %w", err)
	}
	if err := t.Fields.validate(); err != nil {
		return err
	}
	if t.SkewMS < 0 || t.OldestMS < 0 {
		return errors.New("skew_ms or oldest_ms is negative")
	}
	if t.From != 0 && (t.From < FirstFrom || t.From > LastFrom) || (t.From == 0) != (t.FromMS == 0) {
		return fmt.Errorf("from: %s: want a month from %s to %s", t.From, FirstFrom, LastFrom)
	}
	if t.MonthsBack < 0 {
		return fmt.Errorf("limits.months_back: %d is negative", t.MonthsBack)
	}
	if t.Grammar != grammar {
		return fmt.Errorf("grammar %d, this program decodes by grammar %d: use the release that counted the topic, or recount its open months", t.Grammar, grammar)
	}
	return nil
}

func (r *MonthRules) validate() error {
	if r.Month < 0 || r.Month > MonthOf(9999, 12) {
		return fmt.Errorf("month %d is outside the years 0–9999", int(r.Month))
	}
	if len(r.DayStarts) != r.Month.Days()+1 || !slices.IsSorted(r.DayStarts) || r.Start() == r.End() {
		return fmt.Errorf("day_starts are not the %d boundaries of the days of %s", r.Month.Days()+1, r.Month)
	}
	first, why := "", error(nil) // in the order of their names
	for name, kind := range r.Types {
		if err := r.checkType(name, kind); err != nil && (why == nil || name < first) {
			first, why = name, err
		}
	}
	if why != nil {
		return why
	}
	if !slices.Equal(r.Kinds, kindList(r.Types)) {
		return errors.New("kinds are not the built-in ones followed by those of events.types, sorted")
	}
	if len(r.Kinds) > MaxKinds {
		return fmt.Errorf("events.types: %d kinds (%s), at most %d can be counted", len(r.Kinds), strings.Join(r.Kinds, ", "), MaxKinds)
	}
	if r.Precision < minPrecision || r.Precision > maxPrecision {
		return fmt.Errorf("sketch precision %d is not %d–%d", r.Precision, minPrecision, maxPrecision)
	}
	if r.Limits.AppsPerPartition < 1 || r.Limits.RecordBytes < 1 || r.Limits.QuantitySources < 1 {
		return fmt.Errorf("limits: %+v: each must be 1 or more", r.Limits)
	}
	if r.Limits.DevicesPerApp < 0 || r.Limits.DevicesPerPartition < 0 {
		return fmt.Errorf("limits: %+v: a limit on devices must be 1 or more, or left out for none", r.Limits)
	}
	if r.Prints != fingerprints {
		return fmt.Errorf("fingerprints %q, this program makes those of %q: use the release that wrote the rules", r.Prints, fingerprints)
	}
	if len(r.NoIDs) > maxPlaceholders {
		return fmt.Errorf("identity.placeholders: %d, at most %d can be told", len(r.NoIDs), maxPlaceholders)
	}
	if _, err := identity.NewPlaceholders(r.NoIDs); err != nil {
		return fmt.Errorf("identity.placeholders: %w", err)
	}
	if r.KeyID == "" {
		return errors.New("key_id is empty")
	}
	if (r.Zoneinfo == "") != (r.Version == monthRulesOldest) {
		return fmt.Errorf("zoneinfo %q: rules of version %d name the tz database that day_starts come from, those of version %d none", r.Zoneinfo, monthRulesVersion, monthRulesOldest)
	}
	if err := checkReporters(r.Reporters); err != nil {
		return err
	}
	_, err := r.PublicKey()
	return err
}

// checkType says what is wrong with a type of event and its kind.
func (r *MonthRules) checkType(name, kind string) error {
	switch {
	case name == "" || len(name) > maxTypeBytes || !utf8.ValidString(name):
		return fmt.Errorf("events.types: %q is not 1–%d bytes of UTF-8", name, maxTypeBytes)
	case strings.HasPrefix(name, ControlPrefix) || name == ReportedType:
		return fmt.Errorf("events.types.%s: this type has a meaning of its own and cannot be counted as a kind: take another", name)
	case !isKindName(kind):
		return fmt.Errorf("events.types.%s: kind %q is not 1–64 of a–z, 0–9, '-', '_', '.', beginning with a letter", name, kind)
	case !slices.Contains(r.Kinds, kind):
		return fmt.Errorf("events.types.%s: kind %s is not in kinds", name, kind)
	}
	return nil
}
