// Package config reads headcount.yaml, the one file that both commands are told by.
//
// It is strict: an unknown field, a wrong type, an alias or a file over 1 MiB is an error with file and line. Fields left out
// have the defaults of Default; environment variables HEADCOUNT_… override both; relative paths are relative to the file.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/broker"
	"headcount/internal/secret"
	"headcount/internal/strict"
	"headcount/internal/zoneinfo"
)

// MaxFileBytes is the largest file that is read.
const MaxFileBytes = 1 << 20

// Config is what headcount.yaml says, defaults filled in and paths made absolute.
type Config struct {
	Billing            Billing    `yaml:"billing"`
	Kafka              Kafka      `yaml:"kafka"`
	Ingest             Ingest     `yaml:"ingest"`
	Events             Events     `yaml:"events"`
	Identity           Identity   `yaml:"identity"`
	Limits             Limits     `yaml:"limits"`
	Reporters          []Reporter `yaml:"reporters"`
	State              secret.URL `yaml:"state"`
	Ledger             secret.URL `yaml:"ledger"`               // LedgerURL returns it with its password
	LedgerPasswordFile string     `yaml:"ledger_password_file"` // its first line; empty: the URL has the password, or none is needed
	GUIDKeyFile        string     `yaml:"guid_key_file"`
	CollectKeysFile    string     `yaml:"collect_keys_file"`
	SealKeyFile        string     `yaml:"seal_key_file"`
	SealPublicKeyFile  string     `yaml:"seal_public_key_file"`
	Catalog            string     `yaml:"catalog"` // folder of price books; empty: the built-in ones
	Accounts           string     `yaml:"accounts"`
	Issuer             Issuer     `yaml:"issuer"`

	File string `yaml:"-"` // the file this was read from, absolute

	places map[string]string // where a field's value was said, by its path; nil: nowhere
}

// Billing says what a month is and when it may be closed.
type Billing struct {
	TimeZone string   `yaml:"time_zone"` // IANA name
	Grace    Duration `yaml:"grace"`     // how long after a month's end its close must wait
	From     Month    `yaml:"from"`      // where the books open; 0: no bound
	Zoneinfo string   `yaml:"zoneinfo"`  // file of a tz database (a zip, or one zone's TZif) in place of the one in the program; empty: that

	// What holds invoices. The closing keeps it.
	SkewLimit    string `yaml:"skew_limit"`    // share of an app's events, skewed or expired, past which its invoice is held
	RejectLimit  string `yaml:"reject_limit"`  // share of an app's records, dead letters, past which it is
	UnknownLimit string `yaml:"unknown_limit"` // share of an app's records, of unknown types, past which it is; "1": never
	FarLimit     string `yaml:"far_limit"`     // share of an app's events, a year or more before the books, past which it is
	HoldLeast    int    `yaml:"hold_least"`    // of how many events a share must be made to hold
	DeviceJump   int    `yaml:"device_jump"`   // how many times the month before's devices, or what part of them, is said; 0: it is not
	QuantityJump int    `yaml:"quantity_jump"` // how many times what a meter of quantities had in the month before holds; 0: nothing does

	AutoClose Flag `yaml:"auto_close"` // months without events are closed unasked, and by --due more than one, where the log too says that they are over
}

// Issuer says who sends the invoices, and how they are numbered. The closing keeps it.
type Issuer struct {
	Name           string   `yaml:"name"`
	Address        []string `yaml:"address"` // lines
	TaxID          string   `yaml:"tax_id"`
	Logo           string   `yaml:"logo"`            // file of an image; empty: none
	InvoiceNumbers string   `yaml:"invoice_numbers"` // pattern: INV-{month}-{n:6}
	CreditNumbers  string   `yaml:"credit_numbers"`
	Terms          string   `yaml:"terms"` // net 14; empty: what an account says alone
}

// Kafka says where the log is.
type Kafka struct {
	Brokers        []string  `yaml:"brokers"`
	Topic          string    `yaml:"topic"`
	Group          string    `yaml:"group"`    // empty: no group, this process reads every partition
	Instance       string    `yaml:"instance"` // static member name; empty: a dynamic member
	SessionTimeout Duration  `yaml:"session_timeout"`
	MaxBatchBytes  int       `yaml:"max_batch_bytes"` // that a record batch may unpack to and be held as a whole, bytes, 128 MiB at most; a larger one is read piece by piece
	MaxFetchBytes  int       `yaml:"max_fetch_bytes"` // memory for fetched data not yet counted, bytes
	ProducerTime   string    `yaml:"producer_time"`   // "accept": record timestamps may be the producers'; empty: they are to be the brokers'
	TLS            *TLS      `yaml:"tls"`             // nil: connections are plain
	SASL           *SASL     `yaml:"sasl"`            // nil: brokers are not told who we are
	Embedded       *Embedded `yaml:"embedded"`        // nil: none
}

// ProducerTimeAccepted is what kafka.producer_time says where record timestamps may be the producers'.
const ProducerTimeAccepted = "accept"

// BrokersTime says whether record timestamps are to be the brokers'. The embedded broker's never are.
func (k *Kafka) BrokersTime() bool { return k.Embedded == nil && k.ProducerTime == "" }

// Embedded says where the embedded broker keeps its log.
type Embedded struct {
	DataDir    string `yaml:"data_dir"`
	Partitions int    `yaml:"partitions"` // of a topic it creates
	Expose     Flag   `yaml:"expose"`     // it may listen beyond this machine, where whoever comes reads and writes
}

// Ingest tunes counting.
type Ingest struct {
	CheckpointInterval Duration `yaml:"checkpoint_interval"`
}

// Events says how records that are not our CloudEvents are read.
type Events struct {
	Types    map[string]string `yaml:"types"` // event type → kind, added to the built-in ones or replacing them
	Fields   Fields            `yaml:"fields"`
	TimeUnit string            `yaml:"time_unit"` // s, ms, us, ns: of a time that is a number, or digits in text; "": none is
}

// Fields name where type, guid, app and time lie in JSON that is not a CloudEvent.
type Fields struct {
	Type string `yaml:"type"`
	GUID string `yaml:"guid"`
	App  App    `yaml:"app"`
	Time string `yaml:"time"`
}

// App says where the app of a record stands, or what it is: app: data.app, or app: {const: app-001}.
type App struct{ Path, Const string }

// UnmarshalText reads a path.
func (a *App) UnmarshalText(b []byte) error {
	*a = App{Path: string(b)}
	return nil
}

func (a *App) decode(v strict.Value) {
	if !v.Fields() {
		a.Path = text(v)
		return
	}
	o := v.Object()
	if c, ok := o.Maybe("const"); ok {
		if a.Const = text(c); a.Const == "" {
			c.Fail("is empty: write the app's id")
		}
	}
	o.Done()
	if a.Const == "" {
		v.Fail("want a path, such as data.app, or {const: ID}")
	}
}

// Identity says which ids are none: SDKs that have none send something all the same.
type Identity struct {
	Placeholders []string `yaml:"placeholders"` // compared without case
	Defaults     Flag     `yaml:"defaults"`     // ours too: identity.DefaultPlaceholders
}

// Limits bound what a flood of ids can do; 0: the default. They are part of the rules of the months that begin under them.
type Limits struct {
	AppsPerPartition int `yaml:"apps_per_partition"`
	RecordBytes      int `yaml:"record_bytes"`
	QuantitySources  int `yaml:"quantity_sources"`

	DevicesPerApp       int `yaml:"devices_per_app"`       // of one app, month and partition; 0: no limit
	DevicesPerPartition int `yaml:"devices_per_partition"` // of all apps of one month and partition; 0: no limit

	MonthsBack int `yaml:"months_back"` // how many months an event may lie before its record, and after what is sealed; part of the topic's rules
}

// Reporter may report quantities, usage that is not people, signed with its key. Who may is part of the rules of the months that begin
// under it.
type Reporter struct {
	ID      string   `yaml:"id"`       // that its reports name as their source
	KeyFile string   `yaml:"key_file"` // its public key, Ed25519, PKIX PEM
	Meters  []string `yaml:"meters"`   // ids, or patterns in which * stands for any text
	Apps    []string `yaml:"apps"`     // likewise
}

// PrivateKeyFile is where a reporter's private key lies beside its public one, where it lies on this machine: gateway.key beside
// gateway.pub.
func (r *Reporter) PrivateKeyFile() string { return strings.TrimSuffix(r.KeyFile, ".pub") + ".key" }

// Duration is a time.Duration written as 24h or 10s.
type Duration time.Duration

// UnmarshalText reads the form of time.ParseDuration; negative ones are refused.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration: write 24h, 10m or 10s", b)
	}
	*d = Duration(v)
	return nil
}

// Month is a month written as 2026-10; 0: none.
type Month events.Month

// UnmarshalText reads the form 2026-10; nothing written is none.
func (m *Month) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = 0
		return nil
	}
	v, err := events.ParseMonth(string(b))
	if err != nil {
		return err
	}
	*m = Month(v)
	return nil
}

// Flag is true or false.
type Flag bool

// UnmarshalText reads true and false, and nothing else.
func (f *Flag) UnmarshalText(b []byte) error {
	switch string(b) {
	case "true":
		*f = true
	case "false":
		*f = false
	default:
		return fmt.Errorf("%q: want true or false", b)
	}
	return nil
}

// Error is a mistake in the configuration: exit code 2.
type Error struct {
	Where string // file, and line where known
	What  string
}

func (e *Error) Error() string { return e.Where + ": " + e.What }

// Default returns the values of fields that a file leaves out, paths as written there.
func Default() *Config {
	return &Config{
		Billing: Billing{TimeZone: "UTC", Grace: Duration(24 * time.Hour), SkewLimit: "0.01", RejectLimit: "0.01", UnknownLimit: "1", FarLimit: "0.01", DeviceJump: 2, HoldLeast: 20, QuantityJump: 10},
		Kafka: Kafka{
			Brokers: []string{"127.0.0.1:9092"}, Topic: "sdk-events", Group: groupUnset,
			SessionTimeout: Duration(10 * time.Second), MaxBatchBytes: 64 << 20, MaxFetchBytes: 64 << 20,
		},
		Ingest: Ingest{CheckpointInterval: Duration(10 * time.Second)},
		State:  secret.NewURL("file://data/state"), Ledger: secret.NewURL("sqlite://data/ledger.db"),
		GUIDKeyFile: "data/guid.key", CollectKeysFile: "data/collect.keys", SealKeyFile: "data/seal.key", SealPublicKeyFile: "data/seal.pub",
		Accounts: "accounts.yaml", Identity: Identity{Defaults: true},
		Issuer: Issuer{InvoiceNumbers: "INV-{month}-{n:6}", CreditNumbers: "CN-{month}-{n:6}"},
	}
}

// remoteInterval is the default between checkpoints in an object store, where each costs money.
const remoteInterval = Duration(time.Minute)

// groupUnset marks a group that neither file nor environment names: its default hangs on the embedded broker.
const groupUnset = "\x00"

// Load reads file, then the environment (KEY=value pairs), and checks the result.
func Load(file string, environ []string) (*Config, error) {
	if file == "" {
		return nil, &Error{"--config", "empty: name a file, or leave it out for headcount.yaml"}
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("config file %s: %w", file, err)
	}
	data, err := ReadFile(file)
	if os.IsNotExist(err) {
		return nil, &Error{file, "no such config file: `ingest init` writes one, --config FILE names another"}
	}
	if errors.Is(err, fs.ErrPermission) { // no mistake in it
		return nil, err
	}
	if err != nil {
		return nil, &Error{file, err.Error()}
	}
	return parse(file, abs, data, environ)
}

// parse is Load of a file's content.
func parse(file, abs string, data []byte, environ []string) (_ *Config, err error) {
	c := Default()
	if c.places, err = read(file, data, c); err != nil {
		return nil, err
	}
	c.File = abs
	if err := c.noPassword(); err != nil {
		return nil, err
	}
	if err := c.override(environ); err != nil {
		return nil, err
	}
	if c.Kafka.Group == groupUnset {
		c.Kafka.Group = "headcount"
		if c.Kafka.Embedded != nil {
			c.Kafka.Group = ""
		}
	}
	if e := c.Kafka.Embedded; e != nil {
		if e.DataDir == "" {
			e.DataDir = "data/kafka"
		}
		if e.Partitions == 0 {
			e.Partitions = 4
		}
	}
	if s := c.Kafka.SASL; s != nil && s.Mechanism == "" {
		s.Mechanism = "SCRAM-SHA-512"
	}
	if !strings.HasPrefix(c.State.Reveal(), "file://") && c.places["ingest.checkpoint_interval"] == "" {
		c.Ingest.CheckpointInterval = remoteInterval
	}
	c.resolve(filepath.Dir(abs))
	if err := c.useZoneinfo(); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// ReadFile reads a file of at most MaxFileBytes.
func ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("is a folder, not a file")
	}
	if info.Size() > MaxFileBytes {
		return nil, fmt.Errorf("%d bytes are over the limit of 1 MiB", info.Size())
	}
	return os.ReadFile(name)
}

// resolve makes paths absolute, relative to the config file's folder.
func (c *Config) resolve(dir string) {
	for _, p := range append(c.securityFiles(), &c.Billing.Zoneinfo, &c.LedgerPasswordFile, &c.GUIDKeyFile, &c.CollectKeysFile, &c.SealKeyFile, &c.SealPublicKeyFile, &c.Catalog, &c.Accounts, &c.Issuer.Logo) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for i := range c.Reporters {
		if p := &c.Reporters[i].KeyFile; *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for _, u := range []*secret.URL{&c.State, &c.Ledger} {
		scheme, path, ok := strings.Cut(u.Reveal(), "://")
		if ok && (scheme == "file" || scheme == "sqlite") && !filepath.IsAbs(path) {
			*u = secret.NewURL(scheme + "://" + filepath.Join(dir, path))
		}
	}
	if e := c.Kafka.Embedded; e != nil && !filepath.IsAbs(e.DataDir) {
		e.DataDir = filepath.Join(dir, e.DataDir)
	}
}

// useZoneinfo has zones come from the database that the file names, before any is looked for.
func (c *Config) useZoneinfo() error {
	if c.Billing.Zoneinfo == "" {
		events.UseZoneinfo(nil)
		return nil
	}
	db, err := zoneinfo.Open(c.Billing.Zoneinfo)
	if err != nil {
		return c.bad("billing.zoneinfo", "%s: %w: name a zip of the tz database's compiled files, or one zone's, or leave it out for the database in the program (%s)", c.Billing.Zoneinfo, err, zoneinfo.Embedded().Release())
	}
	events.UseZoneinfo(db)
	return nil
}

// bad is a mistake in a field, with the place where its value was said.
func (c *Config) bad(field, format string, args ...any) error {
	place := c.places[field]
	if place == "" {
		place = c.File
	}
	return &Error{place, field + ": " + fmt.Errorf(format, args...).Error()}
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// Validate checks what can be checked without touching anything outside.
func (c *Config) Validate() error {
	bad := c.bad
	if _, err := events.LoadZone(c.Billing.TimeZone); err != nil {
		return bad("billing.time_zone", "%q is not a time zone: write an IANA name such as UTC or Asia/Shanghai", c.Billing.TimeZone)
	}
	for _, l := range []struct{ field, share string }{{"skew_limit", c.Billing.SkewLimit}, {"reject_limit", c.Billing.RejectLimit},
		{"unknown_limit", c.Billing.UnknownLimit}, {"far_limit", c.Billing.FarLimit}} {
		if share, err := decimal.NewFromString(l.share); err != nil || share.IsNegative() {
			return bad("billing."+l.field, "%q is not a share: write it as \"0.01\"", l.share)
		}
	}
	if c.Billing.HoldLeast < 0 {
		return bad("billing.hold_least", "%d is negative: write of how many events a share must be made to hold an invoice", c.Billing.HoldLeast)
	}
	if c.Billing.DeviceJump < 0 || c.Billing.DeviceJump == 1 {
		return bad("billing.device_jump", "%d cannot be: write how many times the month before's devices is said, from 2 on, or 0 for never", c.Billing.DeviceJump)
	}
	if c.Billing.QuantityJump < 0 {
		return bad("billing.quantity_jump", "%d is negative: write how many times the month before's value holds an invoice, or 0 for none", c.Billing.QuantityJump)
	}
	if m := events.Month(c.Billing.From); m != 0 && (m < events.FirstFrom || m > events.LastFrom) {
		return bad("billing.from", "%s: write a month from %s to %s, or leave it out for no bound", m, events.FirstFrom, events.LastFrom)
	}
	if p := c.Kafka.ProducerTime; p != "" && p != ProducerTimeAccepted {
		return bad("kafka.producer_time", "%q: write %q, where it is accepted that records carry their producers' timestamps, or leave it out", p, ProducerTimeAccepted)
	}
	if len(c.Kafka.Brokers) == 0 {
		return bad("kafka.brokers", "name at least one broker as host:port")
	}
	for _, b := range c.Kafka.Brokers {
		if strings.Contains(b, "@") { // not to be printed
			return bad("kafka.brokers", "a broker is host:port, without a user and a password: kafka.sasl says who we are")
		}
		if _, _, err := net.SplitHostPort(b); err != nil {
			return bad("kafka.brokers", "%q is not host:port", b)
		}
	}
	if !topicName.MatchString(c.Kafka.Topic) || c.Kafka.Topic == "." || c.Kafka.Topic == ".." {
		return bad("kafka.topic", "%q is not a topic name: 1–249 of letters, digits, '.', '_', '-'", c.Kafka.Topic)
	}
	if c.Kafka.Instance != "" && c.Kafka.Group == "" {
		return bad("kafka.instance", "%q: a member's name means nothing without a group: set kafka.group, or leave it out", c.Kafka.Instance)
	}
	if t := time.Duration(c.Kafka.SessionTimeout); t < time.Second {
		return bad("kafka.session_timeout", "%s is too short: at least 1s", t)
	}
	if c.Kafka.MaxBatchBytes < 1<<20 {
		return bad("kafka.max_batch_bytes", "%d is too small: at least 1048576", c.Kafka.MaxBatchBytes)
	}
	if c.Kafka.MaxFetchBytes < 1<<20 {
		return bad("kafka.max_fetch_bytes", "%d is too small: at least 1048576", c.Kafka.MaxFetchBytes)
	}
	if err := c.validateSecurity(bad); err != nil {
		return err
	}
	if e := c.Kafka.Embedded; e != nil && !bool(e.Expose) && !broker.Local(c.Kafka.Brokers[0]) {
		return bad("kafka.brokers", "%q: %v: the embedded broker asks for no password; listen on 127.0.0.1, or, where only those reach it who may write events, set kafka.embedded.expose: true", c.Kafka.Brokers[0], broker.ErrExposed)
	}
	if e := c.Kafka.Embedded; e != nil && (e.Partitions < 1 || e.Partitions > 1024) {
		return bad("kafka.embedded.partitions", "%d: 1–1024", e.Partitions)
	}
	if d := time.Duration(c.Ingest.CheckpointInterval); d < 10*time.Millisecond {
		return bad("ingest.checkpoint_interval", "%s is too short: at least 10ms", d)
	}
	for _, l := range []struct {
		field string
		value int
	}{
		{"apps_per_partition", c.Limits.AppsPerPartition}, {"record_bytes", c.Limits.RecordBytes}, {"quantity_sources", c.Limits.QuantitySources},
		{"devices_per_app", c.Limits.DevicesPerApp}, {"devices_per_partition", c.Limits.DevicesPerPartition},
		{"months_back", c.Limits.MonthsBack},
	} {
		if l.value < 0 {
			return bad("limits."+l.field, "%d is negative: write a limit, or leave it out for the default", l.value)
		}
	}
	if err := c.validateReporters(bad); err != nil {
		return err
	}
	if n := c.Limits.RecordBytes; n > batch.MostRecord {
		return bad("limits.record_bytes", "%d is too large: at most %d, beyond which no record is read", n, batch.MostRecord)
	}
	if !strings.Contains(c.State.Reveal(), "://") {
		return bad("state", "%q is not a URL: write file://data/state", c.State.String())
	}
	if err := c.validateLedger(bad); err != nil {
		return err
	}
	for _, f := range []struct{ field, value string }{{"guid_key_file", c.GUIDKeyFile}, {"collect_keys_file", c.CollectKeysFile}, {"seal_public_key_file", c.SealPublicKeyFile}, {"accounts", c.Accounts}} {
		if f.value == "" {
			return bad(f.field, "empty: name a file")
		}
	}
	return nil
}

// validateReporters checks that nothing of a reporter is left out; the rules check what is there.
func (c *Config) validateReporters(bad func(field, format string, args ...any) error) error {
	named := map[string]bool{}
	for i, r := range c.Reporters {
		at := fmt.Sprintf("reporters[%d]", i)
		switch {
		case r.ID == "":
			return bad(at, "has no id: name who reports")
		case named[r.ID]:
			return bad(at+".id", "%s is there twice", r.ID)
		case r.KeyFile == "":
			return bad(at, "%s has no key_file: name the file of its public key; `ingest init` makes a pair where there is none", r.ID)
		case len(r.Meters) == 0:
			return bad(at, "%s has no meters: name those that it may report, as in [gateway_calls]", r.ID)
		case len(r.Apps) == 0:
			return bad(at, "%s has no apps: name those that it may report for, as in [app-001, \"shop-*\"]", r.ID)
		}
		named[r.ID] = true
	}
	return nil
}

// Zone returns the billing zone.
func (c *Config) Zone() *time.Location {
	zone, err := events.LoadZone(c.Billing.TimeZone)
	if err != nil {
		panic("config not validated: " + err.Error())
	}
	return zone
}
