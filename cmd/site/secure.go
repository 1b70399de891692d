package site

import (
	"context"
	"crypto/tls"
	"fmt"

	kafkago "github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"headcount/cmd/config"
)

// Security reads the files by which the configuration has brokers reached; nil: no TLS, no SASL.
func Security(c *config.Config) (*tls.Config, sasl.Mechanism, error) {
	secure, err := c.TLSConfig()
	if err != nil || c.Kafka.SASL == nil {
		return secure, nil, err
	}
	password, err := c.Password()
	if err != nil {
		return nil, nil, err
	}
	user := c.Kafka.SASL.User
	switch c.Kafka.SASL.Mechanism {
	case "PLAIN":
		return secure, plain.Auth{User: user, Pass: password.Reveal()}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return secure, scram.Auth{User: user, Pass: password.Reveal()}.AsSha256Mechanism(), nil
	default: // the configuration knows three
		return secure, scram.Auth{User: user, Pass: password.Reveal()}.AsSha512Mechanism(), nil
	}
}

// mechanism has franz-go's mechanisms serve kafka-go, whose own need a module more for the same.
type mechanism struct{ sasl.Mechanism }

func (m mechanism) Start(ctx context.Context) (kafkago.StateMachine, []byte, error) {
	host := ""
	if at := kafkago.MetadataFromContext(ctx); at != nil {
		host = at.Host
	}
	s, first, err := m.Authenticate(ctx, host)
	return session{s}, first, err
}

type session struct{ sasl.Session }

func (s session) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	return s.Challenge(challenge)
}

// Secured says in words how brokers are reached, and whether a password can be listened to on the way.
func Secured(c *config.Config) (how string, exposed bool) {
	how = "plain connections"
	if c.Kafka.TLS != nil {
		how = "TLS"
		if c.Kafka.TLS.CertFile != "" {
			how += " with our certificate"
		}
	}
	if s := c.Kafka.SASL; s != nil {
		how += fmt.Sprintf(", %s as %s", s.Mechanism, s.User)
		exposed = c.Kafka.TLS == nil && s.Mechanism == "PLAIN"
	}
	return how, exposed
}
