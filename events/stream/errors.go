package stream

import (
	"errors"
	"fmt"

	"headcount/events/stream/wire"
)

// ErrNoTopic says that the brokers know no topic of that name.
var ErrNoTopic = wire.ErrNoTopic

// BrokerError is a broker's refusal.
type BrokerError = wire.BrokerError

// IsTooLarge says whether a broker refused messages because one of them is larger than the topic takes.
func IsTooLarge(err error) bool { return wire.CodeOf(err) == wire.CodeTooLarge }

// ErrUnreachable says that no broker answers.
var ErrUnreachable = errors.New("kafka is unreachable")

// ErrRefused says that a broker, or this process, will not have the connection: a certificate or a password.
var ErrRefused = errors.New("connection refused")

// RefusedError is an ErrRefused, and why.
type RefusedError struct {
	Brokers string // that were tried
	Why     Refusal
	Err     error
}

func (e *RefusedError) Unwrap() []error { return []error{ErrRefused, e.Err} }
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v by %s: %s: %v", ErrRefused, e.Brokers, e.Why, e.Err)
}

// Refusal says what to do where a connection is refused.
type Refusal string

// The refusals.
const (
	WrongPassword    Refusal = "check user and password"
	UnknownMechanism Refusal = "use a mechanism that the brokers have"
	UntrustedBroker  Refusal = "the broker's certificate is not trusted: check the authority and the server's name"
	NoTLS            Refusal = "the broker does not speak TLS at this address: do without, or name its TLS port"
	TLSEnded         Refusal = "the broker ends TLS: it may ask for our certificate"
)

// AnswerSizeError says that a broker's answer is larger than what is taken.
type AnswerSizeError struct {
	Size, Limit int  // bytes
	Fetch       bool // of records: their batches may be larger than what is taken for one
}

func (e *AnswerSizeError) Error() string {
	hint := ""
	if e.Fetch {
		hint = " (if the topic has larger batches, raise the most that is taken for a batch)"
	}
	return fmt.Sprintf("answer of %d bytes, limit %d%s", e.Size, e.Limit, hint)
}
