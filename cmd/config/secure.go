package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"headcount/internal/secret"
)

// TLS has connections to brokers encrypted; left empty, they are known by the system's authorities.
type TLS struct {
	CAFile     string `yaml:"ca_file"`     // PEM: authorities whose word on a broker counts; empty: the system's
	CertFile   string `yaml:"cert_file"`   // PEM: who we are, where brokers ask; empty: nobody
	KeyFile    string `yaml:"key_file"`    // PEM, of cert_file
	ServerName string `yaml:"server_name"` // that brokers' certificates are for; empty: the address dialled
}

// SASL says who we are to the brokers.
type SASL struct {
	Mechanism    string      `yaml:"mechanism"` // one of Mechanisms
	User         string      `yaml:"user"`
	PasswordFile string      `yaml:"password_file"` // its first line
	Password     secret.Text `yaml:"password"`      // from the environment alone; goes before the file
}

// Mechanisms are those that SASL may name.
var Mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// noPassword refuses a password in the file: it is for others' eyes too.
func (c *Config) noPassword() error {
	if place := c.places["kafka.sasl.password"]; place != "" {
		return &Error{place, "kafka.sasl.password: a password does not stand in this file: write it into a file of its own and name that in kafka.sasl.password_file, or set HEADCOUNT_KAFKA_SASL_PASSWORD"}
	}
	return nil
}

func (c *Config) validateSecurity(bad func(field, format string, args ...any) error) error {
	k := c.Kafka
	switch {
	case k.Embedded != nil && k.TLS != nil:
		return bad("kafka.tls", "the embedded broker (kafka.embedded) has no TLS: leave one of the two out")
	case k.Embedded != nil && k.SASL != nil:
		return bad("kafka.sasl", "the embedded broker (kafka.embedded) asks for no password: leave one of the two out")
	case k.TLS != nil && (k.TLS.CertFile == "") != (k.TLS.KeyFile == ""):
		return bad("kafka.tls", "cert_file and key_file belong together: name both or none")
	case k.SASL == nil:
		return nil
	case !slices.Contains(Mechanisms, k.SASL.Mechanism):
		return bad("kafka.sasl.mechanism", "%q: write one of %s", k.SASL.Mechanism, strings.Join(Mechanisms, ", "))
	case k.SASL.User == "":
		return bad("kafka.sasl.user", "empty: name the user")
	case k.SASL.Password.Reveal() == "" && k.SASL.PasswordFile == "":
		return bad("kafka.sasl.password_file", "empty: name the file that holds the password, or set HEADCOUNT_KAFKA_SASL_PASSWORD")
	}
	return nil
}

// securityFiles are the paths in kafka.tls and kafka.sasl.
func (c *Config) securityFiles() (paths []*string) {
	if t := c.Kafka.TLS; t != nil {
		paths = append(paths, &t.CAFile, &t.CertFile, &t.KeyFile)
	}
	if s := c.Kafka.SASL; s != nil {
		paths = append(paths, &s.PasswordFile)
	}
	return paths
}

// TLSConfig reads the files of kafka.tls; nil: connections are plain. The server name is left to whoever dials, where none is
// configured.
func (c *Config) TLSConfig() (*tls.Config, error) {
	t := c.Kafka.TLS
	if t == nil {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := ReadFile(t.CAFile)
		if err != nil {
			return nil, c.fileError("kafka.tls.ca_file", t.CAFile, err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, c.fileError("kafka.tls.ca_file", t.CAFile, errors.New("holds no certificate in PEM"))
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, c.fileError("kafka.tls.cert_file", t.CertFile, err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// Password returns that of kafka.sasl: the environment's, else its file's first line.
func (c *Config) Password() (secret.Text, error) {
	s := c.Kafka.SASL
	switch {
	case s == nil:
		return secret.Text{}, nil
	case s.Password.Reveal() != "":
		return s.Password, nil
	}
	return c.passwordIn("kafka.sasl.password_file", s.PasswordFile)
}

// passwordIn reads the first line of a file that nobody else may read.
func (c *Config) passwordIn(field, file string) (none secret.Text, _ error) {
	text, err := secret.ReadFile(file, "the file")
	if err != nil {
		return none, c.fileError(field, file, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return none, c.fileError(field, file, errors.New("its first line is empty"))
	}
	return secret.NewText(line), nil
}

func (c *Config) fileError(field, file string, err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	place := c.places[field]
	if place == "" {
		place = c.File
	}
	return &Error{place, field + ": " + filepath.Clean(file) + ": " + err.Error()}
}
