package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	if want := "file://" + filepath.Join(filepath.Dir(c.File), "data/state"); c.State != want {
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

func TestEnvironmentOverrides(t *testing.T) {
	c, err := load(t, "kafka: {topic: a}\n", "HEADCOUNT_KAFKA_TOPIC=b", "HEADCOUNT_KAFKA_BROKERS=h1:1,h2:2", "HEADCOUNT_BILLING_GRACE=1h", "HEADCOUNT_OTHER=x")
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka.Topic != "b" || len(c.Kafka.Brokers) != 2 || time.Duration(c.Billing.Grace) != time.Hour {
		t.Errorf("got %+v %+v", c.Kafka, c.Billing)
	}
}

func TestMistakesNameFileAndPlace(t *testing.T) {
	for text, want := range map[string]string{
		"kafka:\n  topik: a\n":                      "headcount.yaml:2:3",
		"billing: {time_zone: Mars/Base}\n":         "billing.time_zone",
		"billing:\n  grace: soon\n":                 "headcount.yaml:2",
		"kafka: {brokers: [nowhere]}\n":             "kafka.brokers",
		"kafka: {topic: \"a/b\"}\n":                 "kafka.topic",
		"kafka: &k {topic: a}\n":                    "headcount.yaml:1",
		"kafka: {topic: a}\n---\nkafka: {topic: b}": "more than one",
		"state: data\n":                             "state",
		"ledger: mysql://x\n":                       "ledger",
		"kafka: [\n":                                "headcount.yaml:",
	} {
		_, err := load(t, text)
		var mistake *Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestLargeFileIsRefused(t *testing.T) {
	if _, err := load(t, "# "+strings.Repeat("x", MaxFileBytes)); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("error %v, want one with 1 MiB", err)
	}
}
