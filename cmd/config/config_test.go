package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"headcount/events"
	"headcount/internal/secret"
)

func load(t *testing.T, text string, environ ...string) (*Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headcount.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file, environ)
}

func TestLeftOutFieldsHaveTheirDefaults(t *testing.T) {
	c, err := load(t, "kafka: {topic: events}\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka.Topic != "events" || c.Kafka.Group != "headcount" || c.Kafka.Brokers[0] != "127.0.0.1:9092" || c.Kafka.Embedded != nil {
		t.Errorf("kafka = %+v", c.Kafka)
	}
	if time.Duration(c.Billing.Grace) != 24*time.Hour || c.Billing.TimeZone != "UTC" {
		t.Errorf("billing = %+v", c.Billing)
	}
	if want := filepath.Join(filepath.Dir(c.File), "data/guid.key"); c.GUIDKeyFile != want {
		t.Errorf("guid_key_file = %s, want %s", c.GUIDKeyFile, want)
	}
	if want := "file://" + filepath.Join(filepath.Dir(c.File), "data/state"); c.State.Reveal() != want {
		t.Errorf("state = %s, want %s", c.State, want)
	}
}

func TestEmbeddedBrokerMeansNoGroupUnlessNamed(t *testing.T) {
	for text, want := range map[string]string{
		"kafka: {embedded: {partitions: 2}}\n":              "",
		"kafka: {embedded: {partitions: 2}, group: mine}\n": "mine",
		"kafka: {group: \"\"}\n":                            "",
		"":                                                  "headcount",
	} {
		c, err := load(t, text)
		if err != nil {
			t.Fatal(err)
		}
		if c.Kafka.Group != want {
			t.Errorf("%q: group = %q, want %q", text, c.Kafka.Group, want)
		}
	}
}

// TestExposedOnPurpose: beyond this machine the embedded broker listens only where that is said, in the file or the environment.
func TestExposedOnPurpose(t *testing.T) {
	if _, err := load(t, "kafka: {embedded: {expose: true}, brokers: [\"192.0.2.1:9092\"]}\n"); err != nil {
		t.Error(err)
	}
	if _, err := load(t, "kafka: {embedded: {}, brokers: [\"192.0.2.1:9092\"]}\n", "HEADCOUNT_KAFKA_EMBEDDED_EXPOSE=true"); err != nil {
		t.Error(err)
	}
	if _, err := load(t, "kafka: {brokers: [\"192.0.2.1:9092\"]}\n"); err != nil {
		t.Errorf("brokers of others: %v", err)
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	c, err := load(t, "kafka: {topic: a}\n", "HEADCOUNT_KAFKA_TOPIC=b", "HEADCOUNT_KAFKA_BROKERS=h1:1,h2:2", "HEADCOUNT_BILLING_GRACE=1h", "HEADCOUNT_OTHER=x")
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka.Topic != "b" || len(c.Kafka.Brokers) != 2 || time.Duration(c.Billing.Grace) != time.Hour {
		t.Errorf("got %+v %+v", c.Kafka, c.Billing)
	}
}

// Every field has a variable.
func TestEnvironmentSetsEveryField(t *testing.T) {
	names := variables(reflect.TypeFor[Config]())
	if len(names) != 62 {
		t.Errorf("%d variables: %v", len(names), names)
	}
	zones, err := filepath.Abs("../../internal/zoneinfo/zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.UseZoneinfo(nil) })
	values := map[string]string{
		"BILLING_TIME_ZONE": "Asia/Tokyo", "BILLING_GRACE": "1h", "BILLING_ZONEINFO": zones, "KAFKA_BROKERS": "h1:1, h2:2", "KAFKA_SESSION_TIMEOUT": "20s",
		"KAFKA_MAX_BATCH_BYTES": "2097152", "KAFKA_MAX_FETCH_BYTES": "2097152", "KAFKA_EMBEDDED_PARTITIONS": "7", "KAFKA_EMBEDDED_EXPOSE": "true", "IDENTITY_DEFAULTS": "true", "KAFKA_SASL_MECHANISM": "PLAIN",
		"INGEST_CHECKPOINT_INTERVAL": "1s", "EVENTS_TYPES": "shop.opened=open,shop.searched=search", "LIMITS_APPS_PER_PARTITION": "1",
		"LIMITS_RECORD_BYTES": "2", "LIMITS_QUANTITY_SOURCES": "3", "LIMITS_DEVICES_PER_APP": "4", "LIMITS_DEVICES_PER_PARTITION": "5", "LIMITS_MONTHS_BACK": "6", "BILLING_SKEW_LIMIT": "0.02", "BILLING_REJECT_LIMIT": "0.03", "BILLING_HOLD_LEAST": "8", "BILLING_QUANTITY_JUMP": "7", "BILLING_UNKNOWN_LIMIT": "0.04", "BILLING_FAR_LIMIT": "0.05", "BILLING_DEVICE_JUMP": "9", "BILLING_FROM": "2026-10", "BILLING_AUTO_CLOSE": "true", "KAFKA_PRODUCER_TIME": "accept", "STATE": "file:///s", "LEDGER": "postgres://u@h/l",
	}
	var environ, embedded []string
	for _, n := range names {
		if values[n] == "" {
			values[n] = "/" + strings.ToLower(n)
			if n == "KAFKA_TOPIC" {
				values[n] = "topic"
			}
		}
		to := &environ
		if strings.HasPrefix(n, "KAFKA_EMBEDDED_") { // has neither TLS nor SASL
			to = &embedded
		}
		*to = append(*to, "HEADCOUNT_"+n+"="+values[n])
	}
	c, err := load(t, "", embedded...)
	if want := (Embedded{DataDir: "/kafka_embedded_data_dir", Partitions: 7, Expose: true}); err != nil || *c.Kafka.Embedded != want {
		t.Fatalf("embedded: %v, %v", c, err)
	}
	c, err = load(t, "", environ...)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Billing: Billing{"Asia/Tokyo", Duration(time.Hour), Month(events.MonthOf(2026, 10)), zones, "0.02", "0.03", "0.04", "0.05", 8, 9, 7, true},
		Kafka: Kafka{[]string{"h1:1", "h2:2"}, "topic", "/kafka_group", "/kafka_instance", Duration(20 * time.Second), 2 << 20, 2 << 20, "accept",
			&TLS{"/kafka_tls_ca_file", "/kafka_tls_cert_file", "/kafka_tls_key_file", "/kafka_tls_server_name"},
			&SASL{"PLAIN", "/kafka_sasl_user", "/kafka_sasl_password_file", secret.NewText("/kafka_sasl_password")}, nil},
		Ingest: Ingest{Duration(time.Second)},
		Events: Events{map[string]string{"shop.opened": "open", "shop.searched": "search"},
			Fields{"/events_fields_type", "/events_fields_guid", App{Path: "/events_fields_app"}, "/events_fields_time"}, "/events_time_unit"},
		Identity: Identity{[]string{"/identity_placeholders"}, true}, Limits: Limits{1, 2, 3, 4, 5, 6}, State: secret.NewURL("file:///s"), Ledger: secret.NewURL("postgres://u@h/l"), LedgerPasswordFile: "/ledger_password_file", GUIDKeyFile: "/guid_key_file", CollectKeysFile: "/collect_keys_file", SealKeyFile: "/seal_key_file",
		SealPublicKeyFile: "/seal_public_key_file", Catalog: "/catalog", Accounts: "/accounts",
		Issuer: Issuer{"/issuer_name", []string{"/issuer_address"}, "/issuer_tax_id", "/issuer_logo", "/issuer_invoice_numbers", "/issuer_credit_numbers", "/issuer_terms"},
		File:   c.File, places: c.places,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestMistakesInTheEnvironment(t *testing.T) {
	for pair, want := range map[string]string{
		"HEADCOUNT_KAFKA_TOPICS=x":              "environment HEADCOUNT_KAFKA_TOPICS: no field has that name; did you mean HEADCOUNT_KAFKA_TOPIC?",
		"HEADCOUNT_BILING_GRACE=1h":             "did you mean HEADCOUNT_BILLING_GRACE?",
		"HEADCOUNT_BILLING_GRACE=soon":          "environment HEADCOUNT_BILLING_GRACE: \"soon\" is not a duration",
		"HEADCOUNT_BILLING_TIME_ZONE=Mars":      "environment HEADCOUNT_BILLING_TIME_ZONE: billing.time_zone: \"Mars\"",
		"HEADCOUNT_LIMITS_RECORD_BYTES=x":       "environment HEADCOUNT_LIMITS_RECORD_BYTES: \"x\" is not a whole number",
		"HEADCOUNT_LIMITS_RECORD_BYTES=-1":      "environment HEADCOUNT_LIMITS_RECORD_BYTES: limits.record_bytes: -1",
		"HEADCOUNT_KAFKA_EMBEDDED_PARTITIONS=x": "not a whole number",
		"HEADCOUNT_EVENTS_TYPES=open":           "not a pair",
	} {
		_, err := load(t, "", pair)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", pair, err, want)
		}
	}
	for _, pair := range []string{"HEADCOUNT_SERVICE_HOST=1.2.3.4", "HEADCOUNT_PORT_9092_TCP=x", "HEADCOUNT_KAFKA=start", "HEADCOUNT_KAFKA_SERVICE_PORT=1", "HEADCOUNT_=x", "HEADCOUNT"} {
		if _, err := load(t, "", pair); err != nil {
			t.Errorf("%s is not ours: %v", pair, err)
		}
	}
}

func TestMistakesNameFileAndPlace(t *testing.T) {
	for text, want := range map[string]string{
		"kafka:\n  topik: a\n":                                   "headcount.yaml:2:3: kafka: unknown field \"topik\"; did you mean \"topic\"?; known are brokers, ",
		"bogus: 1\n":                                             "headcount.yaml:1:1: unknown field \"bogus\"; known are accounts, ",
		"billing: {time_zone: Mars/Base}\n":                      "headcount.yaml:1:22: billing.time_zone: \"Mars/Base\" is not a time zone",
		"billing:\n  grace: soon\n":                              "headcount.yaml:2:10: billing.grace: \"soon\" is not a duration",
		"billing:\n  grace: 24\n":                                "headcount.yaml:2:10: billing.grace: \"24\" is not a duration",
		"billing:\n  grace: -1h\n":                               "billing.grace: \"-1h\"",
		"billing: {skew_limit: 0.01}\n":                          "headcount.yaml:1:23: billing.skew_limit: is not text: write it in quotes, as in \"0.01\"",
		"billing: {skew_limit: \"much\"}\n":                      "billing.skew_limit",
		"billing: {reject_limit: \"-1\"}\n":                      "billing.reject_limit",
		"billing: {hold_least: -1}\n":                            "billing.hold_least: -1 is negative",
		"billing: {from: 2026-13}\n":                             "headcount.yaml:1:17: billing.from: month \"2026-13\": want the form 2026-10",
		"billing: {from: 2026-10-01}\n":                          "billing.from: month \"2026-10-01\": want the form 2026-10",
		"billing: {from: 1999-12}\n":                             "headcount.yaml:1:17: billing.from: 1999-12: write a month from 2000-01",
		"billing: {from: [2026-10]}\n":                           "billing.from",
		"limits: {months_back: -1}\n":                            "limits.months_back: -1 is negative",
		"kafka: {producer_time: yes}\n":                          "kafka.producer_time",
		"kafka: {producer_time: \"allow\"}\n":                    "headcount.yaml:1:24: kafka.producer_time: \"allow\": write \"accept\"",
		"kafka: {brokers: [nowhere]}\n":                          "headcount.yaml:1:18: kafka.brokers: \"nowhere\" is not host:port",
		"kafka: {brokers: []}\n":                                 "kafka.brokers: name at least one",
		"kafka: {brokers: \"a:1\"}\n":                            "kafka.brokers: want a list, as in [a, b], got \"a:1\"",
		"kafka: {brokers: [12]}\n":                               "kafka.brokers[0]: is not text",
		"kafka: {topic: \"a/b\"}\n":                              "headcount.yaml:1:16: kafka.topic",
		"kafka: {topic: 12}\n":                                   "kafka.topic: is not text: write it in quotes, as in \"12\"",
		"kafka: {topic: yes, group: true}\n":                     "kafka.group: is not text",
		"kafka: {topic: [a]}\n":                                  "kafka.topic: want text, got a list",
		"kafka: {session_timeout: 1ms}\n":                        "kafka.session_timeout",
		"limits: {record_bytes: 16777217}\n":                     "limits.record_bytes",
		"kafka: {max_batch_bytes: 1}\n":                          "kafka.max_batch_bytes",
		"kafka: {max_fetch_bytes: many}\n":                       "kafka.max_fetch_bytes: \"many\": want a whole number",
		"kafka: {embedded: true}\n":                              "kafka.embedded: want fields (name: value), got \"true\"",
		"kafka: {embedded: {expose: 1}}\n":                       "kafka.embedded.expose: \"1\": want true or false",
		"kafka: {embedded: {}, brokers: [\"192.0.2.1:9092\"]}\n": "kafka.brokers: \"192.0.2.1:9092\": it serves whoever comes",
		"kafka: {embedded: {expose: false}, brokers: [\"kafka.example:9092\"]}\n": "kafka.embedded.expose: true",
		"kafka: {embedded: {partitions: 2000}}\n":                                 "headcount.yaml:1:32: kafka.embedded.partitions",
		"kafka: [a]\n":                                        "kafka: want fields (name: value), got a list",
		"kafka: &k {topic: a}\n":                              "headcount.yaml:1:8: aliases and anchors",
		"kafka: {topic: a}\n---\nkafka: {topic: b}":           "more than one",
		"kafka: {topic: a, topic: b}\n":                       "headcount.yaml:1:",
		"limits: {record_bytes: -1}\n":                        "headcount.yaml:1:24: limits.record_bytes: -1 is negative",
		"events: {types: [a]}\n":                              "events.types: want pairs",
		"events: {types: {a.b: 1}}\n":                         "events.types.a.b: is not text",
		"state: data\n":                                       "headcount.yaml:1:8: state",
		"state: 12\n":                                         "headcount.yaml:1:8: state: is not text: write it in quotes",
		"ledger_password_file: p\n":                           "headcount.yaml:1:23: ledger_password_file: a file of SQLite",
		"{ledger: postgres://h/d, ledger_password_file: p}\n": "names no user",
		"ledger: mysql://x\n":                                 "headcount.yaml:1:9: ledger",
		"accounts: \"\"\n":                                    "headcount.yaml:1:11: accounts: empty",
		"hello\n":                                             "headcount.yaml:1:1: want fields",
		"- a\n":                                               "headcount.yaml:1:",
		"kafka: [\n":                                          "headcount.yaml:",
		"\ta: 1\n":                                            "headcount.yaml:1:",
	} {
		_, err := load(t, text)
		var mistake *Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line with %q", text, err, want)
		}
	}
}

// Null is as good as left out; one field alone, comments and block scalars read as any.
func TestFormsOfYAML(t *testing.T) {
	c, err := load(t, "# a comment\nbilling:\nkafka: ~\ncatalog: null\nevents:\n  types:\n    shop.opened: open # one\nstate: |-\n  file:///s\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka.Topic != "sdk-events" || c.Catalog != "" || c.Events.Types["shop.opened"] != "open" || c.State.Reveal() != "file:///s" {
		t.Errorf("got %+v", c)
	}
}

func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{"": "--config", filepath.Join(dir, "none.yaml"): "`ingest init`", dir: "is a folder"} {
		var mistake *Error
		if _, err := Load(file, nil); !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", file, err, want)
		}
	}
}

func TestLargeFileIsRefused(t *testing.T) {
	if _, err := load(t, "# "+strings.Repeat("x", MaxFileBytes)); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("error %v, want one with 1 MiB", err)
	}
}

// Nesting without end is refused before anything is made of it.
func TestDeepNestingIsRefusedAtOnce(t *testing.T) {
	for _, text := range []string{"kafka: " + strings.Repeat("[", 500<<10), strings.Repeat("- ", 250<<10), "kafka: " + strings.Repeat("{a: ", 125<<10)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := parse("f.yaml", "/f.yaml", []byte(text), nil)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:1:1: ") {
			t.Errorf("%.20q…: error %v, want one in the first line", text, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 || took > time.Second {
			t.Errorf("%.20q…: %d bytes, %s", text, used, took)
		}
	}
}

func TestMoreMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"events: {types: {a: open, \"a\": open}}\n":    "f.yaml:1:",
		"events: {types: {12: open}}\n":                "events.types: is not text: write it in quotes, as in \"12\"",
		"kafka: {topic: \"\xff\"}\n":                   "f.yaml:1:1: is not UTF-8",
		"events: {fields: {app: {const: \"\"}}}\n":     "events.fields.app.const: is empty",
		"events: {fields: {app: {const: a, to: b}}}\n": "events.fields.app.to: unknown field; known are const",
		"events: {fields: {app: [a]}}\n":               "events.fields.app: want text, got a list",
		"kafka: {topci: a}\n":                          "did you mean \"topic\"?",
		"kafka: !!map {topic: a}\n":                    "f.yaml:1:",
	} {
		if _, err := parse("f.yaml", "/f.yaml", []byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// TestOwnRecords reads where things lie in records that are no CloudEvents.
func TestOwnRecords(t *testing.T) {
	for text, want := range map[string]Events{
		"events: {fields: {guid: uid, app: data.app}}\n":                      {Fields: Fields{GUID: "uid", App: App{Path: "data.app"}}},
		"events: {fields: {app: {const: our-app}}, time_unit: ms}\n":          {Fields: Fields{App: App{Const: "our-app"}}, TimeUnit: "ms"},
		"events:\n  fields:\n    app:\n      const: \"12\"\n  time_unit: s\n": {Fields: Fields{App: App{Const: "12"}}, TimeUnit: "s"},
	} {
		if c, err := parse("f.yaml", "/f.yaml", []byte(text), nil); err != nil || !reflect.DeepEqual(c.Events, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, c, err, want)
		}
	}
}
