package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecurityFields(t *testing.T) {
	for text, want := range map[string]string{
		"kafka:\n  sasl: {user: a, password: hunter2}\n":                  "headcount.yaml:2:29: kafka.sasl.password: a password does not stand in this file",
		"kafka: {sasl: {user: a}}\n":                                      "kafka.sasl.password_file: empty",
		"kafka: {sasl: {password_file: p}}\n":                             "kafka.sasl.user: empty",
		"kafka: {sasl: {user: a, password_file: p, mechanism: GSSAPI}}\n": "headcount.yaml:1:54: kafka.sasl.mechanism: \"GSSAPI\": write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
		"kafka: {sasl: {username: a}}\n":                                  "unknown field \"username\"",
		"kafka: {tls: true}\n":                                            "kafka.tls: want fields",
		"kafka: {tls: {cert_file: c}}\n":                                  "kafka.tls: cert_file and key_file belong together",
		"kafka: {tls: {}, embedded: {}}\n":                                "the embedded broker (kafka.embedded) has no TLS",
		"kafka: {embedded: {}, sasl: {user: a, password_file: p}}\n":      "asks for no password",
		"kafka: {tls: {ca: x}}\n":                                         "unknown field \"ca\"; ",
	} {
		_, err := load(t, text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestPasswordIsNeverPrinted(t *testing.T) {
	c, err := load(t, "kafka: {sasl: {user: a, password_file: nowhere}}\n", "HEADCOUNT_KAFKA_SASL_PASSWORD=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Password(); err != nil || got.Reveal() != "hunter2" {
		t.Errorf("the environment's password: %v, %v", got, err)
	}
	if c.Kafka.SASL.Mechanism != "SCRAM-SHA-512" {
		t.Errorf("mechanism %q", c.Kafka.SASL.Mechanism)
	}
	doc, err := json.Marshal(c.Kafka.SASL)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c.Kafka.SASL), fmt.Sprintf("%v %+v %#v %s %q", c, *c.Kafka.SASL, *c.Kafka.SASL, c.Kafka.SASL.Password, c.Kafka.SASL.Password), string(doc)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestSecurityFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "hunter2\r\nnot this\n")
	write("empty", "\nhunter2\n")
	write("nonsense.pem", "not a certificate")
	at := func(text string) *Config {
		t.Helper()
		write("headcount.yaml", text)
		c, err := Load(filepath.Join(dir, "headcount.yaml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got, err := at("kafka: {sasl: {user: a, password_file: password}}").Password(); err != nil || got.Reveal() != "hunter2" {
		t.Errorf("password %q, %v", got.Reveal(), err)
	}
	for _, file := range []string{"empty", "nowhere", "."} {
		_, err := at("kafka: {sasl: {user: a, password_file: " + file + "}}").Password()
		if err == nil || !strings.Contains(err.Error(), "headcount.yaml:1:40: kafka.sasl.password_file: "+filepath.Join(dir, file)) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if got, err := at("kafka: {topic: x}").TLSConfig(); got != nil || err != nil {
		t.Errorf("no TLS: %v, %v", got, err)
	}
	if got, err := at("kafka: {tls: {server_name: kafka}}").TLSConfig(); err != nil || got.ServerName != "kafka" || got.InsecureSkipVerify || got.RootCAs != nil {
		t.Errorf("TLS: %v, %v", got, err)
	}
	for _, text := range []string{"ca_file: nowhere", "ca_file: nonsense.pem", "cert_file: nowhere, key_file: nowhere", "cert_file: nonsense.pem, key_file: nonsense.pem"} {
		_, err := at("kafka: {tls: {" + text + "}}").TLSConfig()
		if err == nil || !strings.Contains(err.Error(), "headcount.yaml:1:") || !strings.Contains(err.Error(), "kafka.tls.") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
