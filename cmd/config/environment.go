package config

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// override applies HEADCOUNT_… variables: the field's path in capitals, its dots and underscores as underscores
// (HEADCOUNT_KAFKA_TOPIC, HEADCOUNT_GUID_KEY_FILE). Lists are separated by commas. Others that begin with HEADCOUNT_ are left
// alone: they are not all ours.
func (c *Config) override(environ []string) error {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if rest, ok := strings.CutPrefix(name, "HEADCOUNT_"); ok {
			env[rest] = value
		}
	}
	names := make([]string, 0, len(env))
	for n := range env {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := c.set(name, env[name]); err != nil {
			return &Error{"environment HEADCOUNT_" + name, err.Error()}
		}
	}
	return nil
}

func (c *Config) set(name, value string) error {
	text := map[string]*string{
		"BILLING_TIME_ZONE": &c.Billing.TimeZone, "BILLING_SKEW_LIMIT": &c.Billing.SkewLimit,
		"KAFKA_TOPIC": &c.Kafka.Topic, "KAFKA_GROUP": &c.Kafka.Group, "KAFKA_INSTANCE": &c.Kafka.Instance,
		"EVENTS_FIELDS_TYPE": &c.Events.Fields.Type, "EVENTS_FIELDS_GUID": &c.Events.Fields.GUID,
		"EVENTS_FIELDS_APP": &c.Events.Fields.App, "EVENTS_FIELDS_TIME": &c.Events.Fields.Time,
		"STATE": &c.State, "LEDGER": &c.Ledger, "GUID_KEY_FILE": &c.GUIDKeyFile, "SEAL_KEY_FILE": &c.SealKeyFile,
		"SEAL_PUBLIC_KEY_FILE": &c.SealPublicKeyFile, "CATALOG": &c.Catalog, "ACCOUNTS": &c.Accounts,
	}
	durations := map[string]*Duration{
		"BILLING_GRACE": &c.Billing.Grace, "KAFKA_SESSION_TIMEOUT": &c.Kafka.SessionTimeout,
		"INGEST_CHECKPOINT_INTERVAL": &c.Ingest.CheckpointInterval,
	}
	numbers := map[string]*int{
		"KAFKA_MAX_BATCH_BYTES": &c.Kafka.MaxBatchBytes, "KAFKA_MAX_FETCH_BYTES": &c.Kafka.MaxFetchBytes,
		"LIMITS_APPS_PER_PARTITION": &c.Limits.AppsPerPartition, "LIMITS_RECORD_BYTES": &c.Limits.RecordBytes,
		"LIMITS_QUANTITY_SOURCES": &c.Limits.QuantitySources,
	}
	switch {
	case text[name] != nil:
		*text[name] = value
	case durations[name] != nil:
		return durations[name].UnmarshalText([]byte(value))
	case numbers[name] != nil:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		*numbers[name] = n
	case name == "KAFKA_BROKERS":
		c.Kafka.Brokers = strings.Split(value, ",")
	case name == "KAFKA_EMBEDDED_DATA_DIR" || name == "KAFKA_EMBEDDED_PARTITIONS":
		if c.Kafka.Embedded == nil {
			c.Kafka.Embedded = &Embedded{}
		}
		if name == "KAFKA_EMBEDDED_DATA_DIR" {
			c.Kafka.Embedded.DataDir = value
			return nil
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		c.Kafka.Embedded.Partitions = n
	}
	return nil
}
