package recount

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headcount/verify/report"
)

type topicRules struct {
	Version  int    `json:"version"`
	TimeZone string `json:"time_zone"`
	Fields   struct {
		Type string `json:"type"`
		GUID string `json:"guid"`
		App  string `json:"app"`
		Time string `json:"time"`

		AppConst string `json:"app_const"`
		TimeUnit string `json:"time_unit"`
	} `json:"fields"`
	SkewMS   int64 `json:"skew_ms"`
	OldestMS int64 `json:"oldest_ms"`
	Grammar  int   `json:"grammar"`

	From       string `json:"from"`        // empty: the books have no opening
	FromMS     int64  `json:"from_ms"`     // its first instant
	MonthsBack int    `json:"months_back"` // 0: no bound
}

// Rules are those of a month: what its records mean.
type Rules struct {
	Version   int               `json:"version"`
	Month     string            `json:"month"`
	TopicHash string            `json:"topic_rules"`
	DayStarts []int64           `json:"day_starts"`
	Types     map[string]string `json:"types"`
	Kinds     []string          `json:"kinds"`
	Precision int               `json:"precision"`
	Limits    struct {
		Apps    int `json:"apps_per_partition"`
		Bytes   int `json:"record_bytes"`
		Sources int `json:"quantity_sources"`

		AppDevices int `json:"devices_per_app"`       // 0: no limit
		Devices    int `json:"devices_per_partition"` // 0: no limit
	} `json:"limits"`
	Prints    string     `json:"fingerprints"`
	NoIDs     []string   `json:"placeholders"`
	KeyID     string     `json:"key_id"`
	SealKey   string     `json:"seal_key"`
	Reporters []reporter `json:"reporters"`
	Zoneinfo  string     `json:"zoneinfo"` // release of the tz database by which the days begin; version 3 tells none

	month     Month
	file      string
	revision  int
	hash      string
	guid      *guidKey // that it names; nil: not there
	public    ed25519.PublicKey
	kindOf    map[string]int // type → index into Kinds
	noIDs     placeholders
	reporters map[string]*reporter // by id
}

// Set returns kinds as a set of those that the rules have: bit k is the k-th of them.
func (r *Rules) Set(kinds []string) (set uint16) {
	for i, k := range r.Kinds {
		if slices.Contains(kinds, k) {
			set |= 1 << i
		}
	}
	return set
}

func (r *Rules) start() int64 { return r.DayStarts[0] }
func (r *Rules) end() int64   { return r.DayStarts[len(r.DayStarts)-1] }

// day returns the day that an instant of the month lies in.
func (r *Rules) day(ms int64) int {
	return sort.Search(len(r.DayStarts)-1, func(i int) bool { return i+1 >= len(r.DayStarts)-1 || ms < r.DayStarts[i+1] }) + 1
}

// Month counts months from January of year 0.
type Month int

var monthForm = regexp.MustCompile(`^\d{4}-\d\d$`)

// ParseMonth reads a month such as 2026-10.
func ParseMonth(s string) (Month, bool) {
	if !monthForm.MatchString(s) {
		return 0, false
	}
	year, _ := strconv.Atoi(s[:4])
	m, _ := strconv.Atoi(s[5:])
	return Month(year*12 + m - 1), m >= 1 && m <= 12
}

// Shown is a month as somebody wrote it who may have written anything.
func Shown(month string) string {
	if _, ok := ParseMonth(month); ok {
		return month
	}
	return fmt.Sprintf("%.20q", month)
}

func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// Days is how many days the month has.
func (m Month) Days() int {
	return time.Date(int(m)/12, time.Month(int(m)%12+2), 0, 0, 0, 0, 0, time.UTC).Day()
}

// book holds a topic's rules: of each month those in force.
type book struct {
	topic  topicRules
	zone   *time.Location
	months map[Month]*Rules
	sorted []*Rules
	last   *Rules // of the last event
}

// at returns the rules of the month that an instant lies in; nil where none has it.
func (b *book) at(ms int64) *Rules {
	if r := b.last; r != nil && r.start() <= ms && ms < r.end() {
		return r
	}
	i := sort.Search(len(b.sorted), func(i int) bool { return ms < b.sorted[i].end() })
	if i == len(b.sorted) || ms < b.sorted[i].start() {
		return nil
	}
	b.last = b.sorted[i]
	return b.last
}

// monthAt returns the calendar month of an instant in the topic's zone, where there are no rules to ask. A month that a clock has shown
// has begun, also where it goes back across midnight.
func (b *book) monthAt(ms int64) Month {
	month := func(t time.Time) Month { return Month(t.Year()*12 + int(t.Month()) - 1) }
	t := time.UnixMilli(ms).In(b.zone)
	m := month(t)
	if set, _ := t.ZoneBounds(); !set.IsZero() && t.Sub(set) < 24*time.Hour {
		m = max(m, month(set.Add(-1).In(b.zone)))
	}
	return m
}

var rulesName = regexp.MustCompile(`^(\d{4}-\d\d)(?:\.(\d+))?\.json$`)

// readRules reads a topic's rules. fixed names, for months that are closed, the hash of the rules they were closed under: of
// several revisions that one holds, else the newest.
func readRules(ctx context.Context, files Files, zones Zones, folder string, fixed map[string]string, keys map[string]*guidKey, r *report.Report) (*book, error) {
	b := &book{months: map[Month]*Rules{}}
	names, err := files.List(ctx, folder+"/rules/")
	if err != nil {
		return nil, unreachable(fmt.Errorf("list rules: %w", err))
	}
	hash, former, err := b.readTopic(ctx, files, zones, folder, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		m := rulesName.FindStringSubmatch(strings.TrimPrefix(name, folder+"/rules/"))
		if m == nil {
			continue
		}
		x, err := readMonthRules(ctx, files, name, keys)
		if err != nil {
			r.Wrong("rules", name, "rules that can be read", err.Error())
			continue
		}
		x.revision = 1
		if m[2] != "" {
			x.revision, _ = strconv.Atoi(m[2])
		}
		if former[x.TopicHash] { // all was counted again since
			continue
		}
		r.Same("rules", x.Month, m[1], "%s: month", name)
		r.Same("rules", x.TopicHash, hash, "%s: topic_rules", name)
		old := b.months[x.month]
		want, known := fixed[x.Month]
		if old == nil || known && x.hash == want || (!known || old.hash != want) && x.revision > old.revision {
			b.months[x.month] = x
		}
	}
	for m, x := range b.months {
		b.sorted = append(b.sorted, x)
		if want, ok := fixed[m.String()]; ok {
			r.Same("rules", x.hash, want, "%s: hash, by the ledger's closing", x.file)
		}
		b.checkDays(x, r)
	}
	sort.Slice(b.sorted, func(i, j int) bool { return b.sorted[i].month < b.sorted[j].month })
	return b, nil
}

var topicName = regexp.MustCompile(`^topic(?:\.(\d+))?\.json$`)

// readTopic reads the newest revision of the topic's rules, which is in force; it returns its hash, and those of the earlier ones.
func (b *book) readTopic(ctx context.Context, files Files, zones Zones, folder string, names []string) (hash string, former map[string]bool, err error) {
	revisions := map[int]string{1: folder + "/rules/topic.json"}
	for _, name := range names {
		if m := topicName.FindStringSubmatch(strings.TrimPrefix(name, folder+"/rules/")); m != nil && m[1] != "" {
			n, _ := strconv.Atoi(m[1])
			revisions[n] = name
		}
	}
	former = map[string]bool{}
	for n := 1; revisions[n] != ""; n++ {
		doc, err := readFile(ctx, files, revisions[n])
		b.topic = topicRules{}
		if err == nil {
			err = json.Unmarshal(doc, &b.topic, json.RejectUnknownMembers(true))
		}
		if err == nil {
			err = version(b.topic.Version, 2)
		}
		if err == nil {
			b.zone, err = zones.load(b.topic.TimeZone)
		}
		if err != nil {
			return "", nil, &report.Unreadable{What: "rules", File: revisions[n], Want: "rules that can be read", Err: err}
		}
		if n > 1 {
			former[hash] = true
		}
		hash = hashOf(doc)
	}
	delete(former, hash)
	return hash, former, nil
}

// checkDays compares a month's day boundaries with the calendar of this program.
func (b *book) checkDays(x *Rules, r *report.Report) {
	for i, ms := range x.DayStarts {
		t := time.Date(int(x.month)/12, time.Month(int(x.month)%12+1), i+1, 0, 0, 0, 0, b.zone)
		if t.Hour() != 0 || t.Add(-time.Hour).Day() == t.Day() || t.Add(-2*time.Hour).Day() == t.Day() {
			continue // a clock that is set at midnight: which instant begins the day is for the rules to say
		}
		if t.UnixMilli() != ms && b.topic.TimeZone != "UTC" {
			r.Remark("%s: day %d begins at %s, by the time zone data here at %s: fixed by the rules%s", x.file, i+1, time.UnixMilli(ms).UTC().Format(time.RFC3339), t.UTC().Format(time.RFC3339), x.madeBy())
			continue
		}
		r.Same("rules", ms, t.UnixMilli(), "%s: day_starts[%d]", x.file, i)
	}
}

// madeBy tells by which tz database the days begin.
func (r *Rules) madeBy() string {
	if r.Zoneinfo == "" {
		return ""
	}
	return ", by tz database " + r.Zoneinfo
}

// Zones gives the compiled form of a time zone (TZif) by its name. nil: the Go installation's or the host's.
type Zones func(name string) ([]byte, error)

func (z Zones) load(name string) (*time.Location, error) {
	if z == nil || name == "UTC" {
		return time.LoadLocation(name)
	}
	data, err := z(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	return time.LoadLocationFromTZData(name, data)
}

func readMonthRules(ctx context.Context, files Files, name string, keys map[string]*guidKey) (*Rules, error) {
	doc, err := readFile(ctx, files, name)
	if err != nil {
		return nil, err
	}
	r := &Rules{file: name, hash: hashOf(doc), kindOf: map[string]int{}}
	if err := json.Unmarshal(doc, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if r.Version != 3 {
		if err := version(r.Version, 4); err != nil {
			return nil, err
		}
	}
	if (r.Version == 3) != (r.Zoneinfo == "") {
		return nil, fmt.Errorf("version %d and zoneinfo %q do not belong together", r.Version, r.Zoneinfo)
	}
	if r.Prints != "fp1" {
		return nil, fmt.Errorf("fingerprints %q are not those that are known, fp1", r.Prints)
	}
	var ok bool
	if r.month, ok = ParseMonth(r.Month); !ok || len(r.DayStarts) != r.month.Days()+1 || len(r.Kinds) > 16 || r.Precision < 2 || r.Precision > 16 {
		return nil, errors.New("month, day_starts, kinds or precision cannot be")
	}
	if !sort.SliceIsSorted(r.DayStarts, func(i, j int) bool { return r.DayStarts[i] < r.DayStarts[j] }) {
		return nil, errors.New("day_starts are not ascending")
	}
	public, err := base64.StdEncoding.Strict().DecodeString(r.SealKey)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return nil, errors.New("seal_key is no Ed25519 public key")
	}
	r.public = public
	r.guid = keys[r.KeyID]
	if err := r.readReporters(); err != nil {
		return nil, err
	}
	for t, kind := range r.Types {
		at := -1
		for i, k := range r.Kinds {
			if k == kind {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("type %s is of kind %s, which is not in kinds", t, kind)
		}
		r.kindOf[t] = at
	}
	r.noIDs = placeholdersOf(r.NoIDs)
	return r, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
