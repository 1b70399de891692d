package stream

import (
	"errors"

	"headcount/events/stream/wire"
)

// ErrNoTopic says that the brokers know no topic of that name.
var ErrNoTopic = wire.ErrNoTopic

// BrokerError is a broker's refusal.
type BrokerError = wire.BrokerError

// ErrUnreachable says that no broker answers.
var ErrUnreachable = errors.New("kafka is unreachable")

// ErrRefused says that a broker, or this process, will not have the connection: a certificate or a password.
var ErrRefused = errors.New("connection refused")
