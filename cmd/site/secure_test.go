package site_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"headcount/cmd/config"
	"headcount/cmd/site"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate and writes it, and its key, as PEM into a folder. A nil authority signs itself.
func (a *authority) issue(t *testing.T, dir, name string) (tls.Certificate, *authority) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: a == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{name},
	}
	by := a
	if by == nil {
		by = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	for file, text := range map[string][]byte{name + ".pem": cert, name + ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(cert, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pair, &authority{parsed, key}
}

// connect reads kafka's settings out of a file in the folder, and says how reaching the broker went. Nothing that it logs or
// returns may hold the password.
func connect(t *testing.T, dir, kafka string, environ ...string) error {
	t.Helper()
	file := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".yaml")
	if err := os.WriteFile(file, []byte("kafka: {topic: t, group: \"\", "+kafka+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	conn, err := site.Connect(t.Context(), c, slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err == nil {
		_, err = conn.Topic(t.Context(), c)
		conn.Close()
	}
	if text := said.String(); strings.Contains(text, "hunter") || err != nil && strings.Contains(err.Error(), "hunter") {
		t.Errorf("the password is printed: %s, %v", text, err)
	}
	return site.FailureOf(err)
}

func TestConnectWithTLSAndSASL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, ca := (*authority)(nil).issue(t, dir, "ca")
	(*authority)(nil).issue(t, dir, "other")
	server, _ := ca.issue(t, dir, "broker")
	ca.issue(t, dir, "client")
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.cert)
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(options ...kfake.Opt) string {
		t.Helper()
		c, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return "brokers: [\"" + c.ListenAddrs()[0] + "\"]"
	}
	plain := start()
	secret := start(kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "hunter2"), kfake.Superuser("SCRAM-SHA-256", "u", "hunter2"), kfake.Superuser("SCRAM-SHA-512", "u", "hunter2"))
	known := start(kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server}}))
	mutual := start(kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "u", "hunter2"))
	for _, c := range []struct {
		name, broker, with string
		environ            []string
		want               string // within the error; empty: none
	}{
		{"plain", plain, "", nil, ""},
		{"PLAIN", secret, "sasl: {mechanism: PLAIN, user: u, password_file: password}", nil, ""},
		{"SCRAM-SHA-256", secret, "sasl: {mechanism: SCRAM-SHA-256, user: u, password_file: password}", nil, ""},
		{"SCRAM-SHA-512, which is the default", secret, "sasl: {user: u, password_file: password}", nil, ""},
		{"password from the environment", secret, "sasl: {user: u}", []string{"HEADCOUNT_KAFKA_SASL_PASSWORD=hunter2"}, ""},
		{"all from the environment", secret, "", []string{"HEADCOUNT_KAFKA_SASL_USER=u", "HEADCOUNT_KAFKA_SASL_PASSWORD=hunter2"}, ""},
		{"wrong password", secret, "sasl: {user: u}", []string{"HEADCOUNT_KAFKA_SASL_PASSWORD=hunter3"}, "kafka.sasl are right"}, // an Apache Kafka says what is wrong
		{"no such file", secret, "sasl: {user: u, password_file: nowhere}", nil, "kafka.sasl.password_file"},
		{"TLS", known, "tls: {ca_file: ca.pem}", nil, ""},
		{"TLS by name", known, "tls: {ca_file: ca.pem, server_name: broker}", nil, ""},
		{"TLS by another name", known, "tls: {ca_file: ca.pem, server_name: nobody}", nil, "server_name"},
		{"TLS of another authority", known, "tls: {ca_file: other.pem}", nil, "not trusted"},
		{"TLS of the system's authorities", known, "tls: {}", nil, "not trusted"},
		{"TLS where there is none", plain, "tls: {ca_file: ca.pem}", nil, "kafka.tls"},
		{"all", mutual, "tls: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}, sasl: {user: u, password_file: password}", nil, ""},
		{"without our certificate", mutual, "tls: {ca_file: ca.pem}, sasl: {user: u, password_file: password}", nil, "kafka.tls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kafka := c.broker
			if c.with != "" {
				kafka += ", " + c.with
			}
			err := connect(t, dir, kafka, c.environ...)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
