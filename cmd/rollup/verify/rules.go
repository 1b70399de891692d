package verify

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a zone is found on every host

	"github.com/go-json-experiment/json"

	"headcount/rating/ledger"
)

type topicRules struct {
	Version  int    `json:"version"`
	TimeZone string `json:"time_zone"`
	Fields   struct {
		Type string `json:"type"`
		GUID string `json:"guid"`
		App  string `json:"app"`
		Time string `json:"time"`
	} `json:"fields"`
	SkewMS   int64 `json:"skew_ms"`
	OldestMS int64 `json:"oldest_ms"`
	Grammar  int   `json:"grammar"`
}

type monthRules struct {
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
	KeyID   string `json:"key_id"`
	SealKey string `json:"seal_key"`

	month    month
	file     string
	revision int
	hash     string
	cipher   cipher.Block // of its GUID key; nil: not there
	public   ed25519.PublicKey
	kindOf   map[string]int // type → index into Kinds
}

func (r *monthRules) start() int64 { return r.DayStarts[0] }
func (r *monthRules) end() int64   { return r.DayStarts[len(r.DayStarts)-1] }

// day returns the day that an instant of the month lies in.
func (r *monthRules) day(ms int64) int {
	return sort.Search(len(r.DayStarts)-1, func(i int) bool { return i+1 >= len(r.DayStarts)-1 || ms < r.DayStarts[i+1] }) + 1
}

// month counts months from January of year 0.
type month int

var monthForm = regexp.MustCompile(`^\d{4}-\d\d$`)

func parseMonth(s string) (month, bool) {
	if !monthForm.MatchString(s) {
		return 0, false
	}
	year, _ := strconv.Atoi(s[:4])
	m, _ := strconv.Atoi(s[5:])
	return month(year*12 + m - 1), m >= 1 && m <= 12
}

// ledgerMonth is a month as the ledger is asked for it.
func ledgerMonth(s string) ledger.Month {
	m, _ := parseMonth(s)
	return ledger.Month(m)
}

func (m month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }
func (m month) days() int {
	return time.Date(int(m)/12, time.Month(int(m)%12+2), 0, 0, 0, 0, 0, time.UTC).Day()
}

// book holds a topic's rules: of each month those in force.
type book struct {
	topic  topicRules
	zone   *time.Location
	months map[month]*monthRules
	sorted []*monthRules
	last   *monthRules // of the last event
}

// at returns the rules of the month that an instant lies in; nil where none has it.
func (b *book) at(ms int64) *monthRules {
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

// monthAt returns the calendar month of an instant in the topic's zone, where there are no rules to ask.
func (b *book) monthAt(ms int64) month {
	t := time.UnixMilli(ms).In(b.zone)
	return month(t.Year()*12 + int(t.Month()) - 1)
}

var rulesName = regexp.MustCompile(`^(\d{4}-\d\d)(?:\.(\d+))?\.json$`)

// readRules reads a topic's rules. fixed names, for months that are closed, the hash of the rules they were closed under: of
// several revisions that one holds, else the newest.
func (v *verification) readRules(folder string, fixed map[string]string) (*book, error) {
	b := &book{months: map[month]*monthRules{}}
	names, err := v.Files.List(v.ctx, folder+"/rules/")
	if err != nil {
		return nil, unreachable(fmt.Errorf("list rules: %w", err))
	}
	name := folder + "/rules/topic.json"
	doc, err := v.readFile(name)
	if err == nil {
		err = json.Unmarshal(doc, &b.topic, json.RejectUnknownMembers(true))
	}
	if err == nil {
		b.zone, err = time.LoadLocation(b.topic.TimeZone)
	}
	if err != nil {
		return nil, &unreadable{"rules", name, "rules that can be read", err}
	}
	hash := hashOf(doc)
	for _, name := range names {
		base := strings.TrimPrefix(name, folder+"/rules/")
		m := rulesName.FindStringSubmatch(base)
		if m == nil {
			continue
		}
		r, err := v.readMonthRules(name)
		if err != nil {
			v.report.wrong("rules", name, "rules that can be read", err.Error())
			continue
		}
		r.revision = 1
		if m[2] != "" {
			r.revision, _ = strconv.Atoi(m[2])
		}
		v.report.same("rules", r.Month, m[1], "%s: month", name)
		v.report.same("rules", r.TopicHash, hash, "%s: topic_rules", name)
		old := b.months[r.month]
		want, known := fixed[r.Month]
		if old == nil || known && r.hash == want || (!known || old.hash != want) && r.revision > old.revision {
			b.months[r.month] = r
		}
	}
	for m, r := range b.months {
		b.sorted = append(b.sorted, r)
		if want, ok := fixed[m.String()]; ok {
			v.report.same("rules", r.hash, want, "%s: hash, by the ledger's closing", r.file)
		}
		v.checkDays(b, r)
	}
	sort.Slice(b.sorted, func(i, j int) bool { return b.sorted[i].month < b.sorted[j].month })
	return b, nil
}

// checkDays holds a month's day boundaries against the calendar of this program.
func (v *verification) checkDays(b *book, r *monthRules) {
	for i, ms := range r.DayStarts {
		t := time.Date(int(r.month)/12, time.Month(int(r.month)%12+1), i+1, 0, 0, 0, 0, b.zone)
		if t.Hour() != 0 || t.Add(-time.Hour).Day() == t.Day() || t.Add(-2*time.Hour).Day() == t.Day() {
			continue // a clock that is set at midnight: which instant begins the day is for the rules to say
		}
		if t.UnixMilli() != ms && b.topic.TimeZone != "UTC" {
			v.report.remark("%s: day %d begins at %s, by the time zone data here at %s: fixed by the rules", r.file, i+1, time.UnixMilli(ms).UTC().Format(time.RFC3339), t.UTC().Format(time.RFC3339))
			continue
		}
		v.report.same("rules", ms, t.UnixMilli(), "%s: day_starts[%d]", r.file, i)
	}
}

func (v *verification) readMonthRules(name string) (*monthRules, error) {
	doc, err := v.readFile(name)
	if err != nil {
		return nil, err
	}
	r := &monthRules{file: name, hash: hashOf(doc), kindOf: map[string]int{}}
	if err := json.Unmarshal(doc, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	var ok bool
	if r.month, ok = parseMonth(r.Month); !ok || len(r.DayStarts) != r.month.days()+1 || len(r.Kinds) > 16 || r.Precision < 2 || r.Precision > 16 {
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
	r.cipher = v.keys[r.KeyID]
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
	return r, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// readKeys reads a file of GUID keys, by their ids.
func readKeys(text []byte) (map[string]cipher.Block, error) {
	keys := map[string]cipher.Block{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 16 {
			return nil, fmt.Errorf("line %d is not a key of 32 hex digits", i+1)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw...))
		keys[hex.EncodeToString(sum[:8])] = block
	}
	return keys, nil
}

// readPublicKey reads an Ed25519 public key, PKIX PEM.
func readPublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it holds a %T, want Ed25519", key)
	}
	return public, nil
}

// print is a fingerprint.
type print [16]byte

var uuidForm = regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$`)

// fingerprint returns the fingerprint of a GUID, or of a user id.
func fingerprint(key cipher.Block, id string, user bool) (f print) {
	bare := id
	if strings.HasPrefix(id, "{") && strings.HasSuffix(id, "}") && len(id) > 2 {
		bare = id[1 : len(id)-1]
	} else if rest, ok := strings.CutPrefix(id, "urn:uuid:"); ok {
		bare = rest
	}
	var in print
	if !user && uuidForm.MatchString(bare) {
		raw, _ := hex.DecodeString(strings.ReplaceAll(bare, "-", ""))
		in = print(raw)
	} else {
		population := "device\x00"
		if user {
			population = "user\x00"
		}
		sum := sha256.Sum256([]byte(population + id))
		in = print(sum[:16])
	}
	key.Encrypt(f[:], in[:])
	for i := range f {
		f[i] ^= in[i]
	}
	return f
}
