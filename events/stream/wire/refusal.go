package wire

import (
	"context"
	"errors"
	"fmt"

	"headcount/events"
)

// ErrNoTopic says that the brokers know no topic of that name.
var ErrNoTopic = errors.New("no such topic")

// BrokerError is a broker's refusal.
type BrokerError struct {
	Code    int16  // a Code
	Op      string // what was asked
	Subject string // of what: a topic, "topic/partition", a group
	Message string // the broker's own words; often empty
}

func (e *BrokerError) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Op, e.Subject, Code(e.Code))
	if e.Message != "" {
		s += ": " + e.Message
	}
	if r := codeTable[Code(e.Code)].remedy; r != "" {
		s += " (" + r + ")"
	}
	return s
}

// Is makes a topic that metadata does not have ErrNoTopic. The same code from a partition's leader only says that it has not heard
// of the topic yet.
func (e *BrokerError) Is(target error) bool {
	return target == ErrNoTopic && Code(e.Code) == CodeUnknownTopic && e.Op == OpDescribe
}

// OpDescribe is the Op of asking for a topic's metadata.
const OpDescribe = "describe"

// Refusal is a BrokerError of these, nil where the code is CodeNone.
func Refusal(c Code, op, subject, message string) error {
	if c == CodeNone {
		return nil
	}
	return &BrokerError{Code: int16(c), Op: op, Subject: subject, Message: message}
}

// PartitionName is what errors call a partition.
func PartitionName(topic string, partition events.Partition) string {
	return fmt.Sprintf("topic %s partition %d", topic, partition)
}

// CodeOf returns the code of a broker's refusal within err, 0 where there is none: then err is the way's, not the broker's.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*BrokerError](err); ok {
		return Code(e.Code)
	}
	return CodeNone
}

// Retriable says whether the same may go well later: after an error of the way to a broker it may, after a refusal by the code's
// class, after a Lost never.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ErrNoTopic) {
		return false
	}
	if e, ok := errors.AsType[*BrokerError](err); ok {
		return Code(e.Code).Class() != Fatal
	}
	return !IsLost(err)
}

// Lost is what errors have in common that are final: records, a topic or a place in the group are lost, and no retry helps.
type Lost interface {
	error
	Lost()
}

// IsLost says whether a Lost is within err.
func IsLost(err error) bool {
	var lost Lost
	return errors.As(err, &lost)
}
