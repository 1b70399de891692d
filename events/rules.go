package events

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// TopicRules are the rules that hold for all months of a topic: fixed with the first record counted. Where the books open, and how far
// back events reach, a recount changes, as long as nothing is closed.
type TopicRules struct {
	Version  int    `json:"version"`
	TimeZone string `json:"time_zone"` // IANA name
	Fields   Fields `json:"fields"`
	SkewMS   int64  `json:"skew_ms"`   // how far an event's time may lie after its record's, milliseconds
	OldestMS int64  `json:"oldest_ms"` // a time before this instant (milliseconds since 1970) is a clock never set
	Grammar  int    `json:"grammar"`   // version of the decoding rules

	From       Month `json:"from,omitzero"`        // where the books open; 0: no bound
	FromMS     int64 `json:"from_ms,omitzero"`     // its first instant, milliseconds since 1970; without From 0
	MonthsBack int   `json:"months_back,omitzero"` // how many months an event may lie before its record, and after what is sealed; 0: no bound
}

// Fields name where type, guid, app and time lie in the JSON: a member's name, or a path such as data.device.guid. An empty one
// stands for that of CloudEvents: type, subject, superapp, time.
type Fields struct {
	Type string `json:"type"`
	GUID string `json:"guid"`
	App  string `json:"app"`
	Time string `json:"time"`

	AppConst string `json:"app_const"` // the app of every JSON record, where it names none; empty: App says where it stands
	TimeUnit string `json:"time_unit"` // of a time that is a number, or digits in text: s, ms, us, ns; empty: no time is
}

// Limits bound what a flood of ids can do. Past one, records are dead letters "over limit" and the month's close is held.
type Limits struct {
	AppsPerPartition int `json:"apps_per_partition"` // apps of one month in one partition
	RecordBytes      int `json:"record_bytes"`       // value of one record, bytes
	QuantitySources  int `json:"quantity_sources"`   // sources of one meter in one app and month, in one partition

	// Both bound memory; 0: no limit. Known devices are counted past them, new ones are not.
	DevicesPerApp       int `json:"devices_per_app"`       // devices and users of one app and month, in one partition
	DevicesPerPartition int `json:"devices_per_partition"` // of all apps of one month, in one partition
}

// MonthRules are the rules of one month: fixed before its first window opens.
type MonthRules struct {
	Version   int               `json:"version"`
	Month     Month             `json:"month"`
	TopicHash string            `json:"topic_rules"` // TopicRules.Hash of the topic
	DayStarts []int64           `json:"day_starts"`  // milliseconds since 1970, one per day and then the first instant after the month
	Types     map[string]string `json:"types"`       // event type → kind name
	Kinds     []string          `json:"kinds"`       // the index is the Kind
	Precision int               `json:"precision"`   // of the sketches
	Limits    Limits            `json:"limits"`
	Prints    string            `json:"fingerprints"`        // how they are made: "fp1" (package identity)
	NoIDs     []string          `json:"placeholders"`        // ids that are none: each is lower case, and once; sorted
	KeyID     string            `json:"key_id"`              // of the GUID key
	SealKey   string            `json:"seal_key"`            // Ed25519 public key, base64
	Reporters []Reporter        `json:"reporters,omitempty"` // who may report quantities, sorted
	Zoneinfo  string            `json:"zoneinfo,omitempty"`  // release of the tz database that DayStarts come from; version 3 has none

	read *readRules // nil: they were not read; see known
}

// readRules is what follows from rules that were read, which nobody changes: each shard asks for it.
type readRules struct {
	of    *MonthRules // a copy's is not its own
	hash  string
	kinds KindTable
}

// known returns what follows from rules that were read; nil: they were not.
func (r *MonthRules) known() *readRules {
	if r.read != nil && r.read.of == r {
		return r.read
	}
	return nil
}

// KindTable returns the kinds of the month's types. An error says that a type's kind is not in Kinds.
func (r *MonthRules) KindTable() (KindTable, error) {
	if known := r.known(); known != nil {
		return known.kinds, nil
	}
	return newKindTable(r)
}

// ErrVersion says that a document of rules is of a version that this program does not read.
var ErrVersion = errors.New("unknown version of rules")

// Rulebook holds a topic's rules.
//
// MonthRules returns the rules of m, fixing them from the configuration where nobody has yet: it may write to the state store.
// Foreseen returns the rules of m and fixes none: those that are fixed; where nobody has fixed any, those that MonthRules would fix; nil:
// it would find none. What anybody can write is checked by them until it proves to be signed.
// An error is the store's and stops the shard; it is never a reason to reject a record. Not for concurrent use.
type Rulebook interface {
	TopicRules() *TopicRules
	MonthRules(m Month) (*MonthRules, error)
	Foreseen(m Month) (*MonthRules, error)
}

const (
	topicRulesVersion = 2
	monthRulesVersion = 4
	monthRulesOldest  = 3 // that is read
	fingerprints      = "fp1"
	grammar           = 2
	skewMS            = 10 * 60 * 1000
	oldestMS          = 946684800000 // 2000-01-01T00:00:00Z
)

// Zone returns the topic's time zone.
func (t *TopicRules) Zone() (*time.Location, error) { return LoadZone(t.TimeZone) }

// Start returns the first instant of the month, milliseconds since 1970.
func (r *MonthRules) Start() int64 { return r.DayStarts[0] }

// End returns the first instant after the month, milliseconds since 1970.
func (r *MonthRules) End() int64 { return r.DayStarts[len(r.DayStarts)-1] }

// Contains says whether an instant, milliseconds since 1970, lies in the month.
func (r *MonthRules) Contains(ms int64) bool { return r.Start() <= ms && ms < r.End() }

// DayOf returns the day that an instant of the month lies in. An instant outside is given the first or the last day.
func (r *MonthRules) DayOf(ms int64) Day {
	last := len(r.DayStarts) - 2
	i := int(min(max((ms-r.DayStarts[0])/86_400_000, 0), int64(last)))
	for i > 0 && ms < r.DayStarts[i] {
		i--
	}
	for i < last && ms >= r.DayStarts[i+1] {
		i++
	}
	return Day(i + 1)
}

// KindOf returns the kind of a name; false where the month has none such.
func (r *MonthRules) KindOf(name string) (Kind, bool) {
	for i, n := range r.Kinds {
		if n == name {
			return Kind(i), true
		}
	}
	return 0, false
}

// PublicKey returns the key that seals of the month are checked with.
func (r *MonthRules) PublicKey() (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(r.SealKey)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("rules of %s: seal_key is not an Ed25519 public key in base64", r.Month)
	}
	return raw, nil
}
