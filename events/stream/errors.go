package stream

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoTopic says that the brokers know no topic of that name.
var ErrNoTopic = errors.New("no such topic")

// ErrUnreachable says that no broker answers.
var ErrUnreachable = errors.New("kafka is unreachable")

// ErrRefused says that a broker, or this process, will not have the connection: a certificate or a password.
var ErrRefused = errors.New("connection refused")

// code is a Kafka error code.
type code int16

// class says what to do about a code.
type class uint8

const (
	retry   class = iota // the same again after a pause; also for codes nobody has heard of
	refresh              // ask who leads the partition, then again
	rejoin               // the group moved on
	fatal                // no retry will help
)

// The codes that this package meets. Whatever is not listed is retried and shown.
const (
	codeNone               code = 0
	codeOutOfRange         code = 1
	codeCorrupt            code = 2
	codeUnknownTopic       code = 3
	codeNoLeader           code = 5
	codeTooLarge           code = 10
	codeCoordinatorLoading code = 14
	codeNoCoordinator      code = 15
	codeNotCoordinator     code = 16
	codeIllegalGeneration  code = 22
	codeUnknownMember      code = 25
	codeRebalance          code = 27
	codeTopicExists        code = 36
	codeOutOfOrderSequence code = 45
	codeDuplicateSequence  code = 46
	codeProducerEpoch      code = 47
	codeUnsupported        code = 35
	codeUnknownProducer    code = 59
	codeFencedEpoch        code = 74
	codeUnknownEpoch       code = 75
	codeMemberIDRequired   code = 79
	codeFencedInstance     code = 82
	codeNoGroup            code = 69
	codeUnknownTopicID     code = 100
	codeInconsistentID     code = 103
)

var codeTable = map[code]struct {
	name   string
	class  class
	remedy string
}{
	-1:  {"unknown server error", retry, "see the broker's log"},
	1:   {"offset out of range", fatal, ""},
	2:   {"corrupt message", retry, "the broker's copy of the batch fails its checksum: see the broker's disks"},
	3:   {"unknown topic or partition", refresh, ""},
	4:   {"invalid fetch size", fatal, ""},
	5:   {"leader not available", refresh, ""},
	6:   {"not the leader", refresh, ""},
	7:   {"request timed out", retry, ""},
	8:   {"broker not available", refresh, ""},
	9:   {"replica not available", refresh, ""},
	10:  {"message too large", fatal, "raise the topic's max.message.bytes"},
	13:  {"network exception", refresh, ""},
	14:  {"coordinator is loading", retry, ""},
	15:  {"coordinator not available", rejoin, ""},
	16:  {"not the coordinator", rejoin, ""},
	17:  {"invalid topic", fatal, "give the topic another name"},
	18:  {"record list too large", fatal, "raise the brokers' log.segment.bytes"},
	19:  {"not enough replicas in sync", retry, "bring the partition's replicas back"},
	20:  {"not enough replicas after append", retry, "bring the partition's replicas back"},
	21:  {"invalid required acks", fatal, ""},
	22:  {"illegal generation", rejoin, ""},
	23:  {"inconsistent group protocol", fatal, "another program uses this group: set kafka.group to a name of its own"},
	24:  {"invalid group id", fatal, "set kafka.group to another name"},
	25:  {"unknown member", rejoin, ""},
	26:  {"invalid session timeout", fatal, "set kafka.session_timeout between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms"},
	27:  {"rebalance in progress", rejoin, ""},
	29:  {"topic authorization failed", fatal, "give the principal READ, WRITE and DESCRIBE on the topic"},
	30:  {"group authorization failed", fatal, "give the principal READ on the group"},
	31:  {"cluster authorization failed", fatal, "give the principal the operation on the cluster"},
	32:  {"invalid timestamp", fatal, "the topic refuses the record's timestamp: see message.timestamp.before.max.ms and message.timestamp.after.max.ms"},
	33:  {"unsupported SASL mechanism", fatal, ""},
	34:  {"illegal SASL state", fatal, ""},
	35:  {"unsupported version", fatal, "the broker is too old: Apache Kafka 2.8 or later is needed"},
	36:  {"topic already exists", fatal, ""},
	37:  {"invalid partitions", fatal, "ask for one partition or more"},
	38:  {"invalid replication factor", fatal, "ask for no more replicas than there are brokers"},
	39:  {"invalid replica assignment", fatal, ""},
	40:  {"invalid configuration", fatal, ""},
	41:  {"not the controller", retry, ""},
	42:  {"invalid request", fatal, ""},
	43:  {"unsupported for the message format", fatal, ""},
	44:  {"policy violation", fatal, "the brokers' policy refuses it"},
	45:  {"out of order sequence", retry, ""},
	46:  {"duplicate sequence", retry, ""},
	47:  {"invalid producer epoch", retry, ""},
	53:  {"transactional id authorization failed", fatal, ""},
	56:  {"storage error", refresh, "see the broker's disks"},
	58:  {"SASL authentication failed", fatal, "check the user name and the password"},
	59:  {"unknown producer", retry, ""},
	74:  {"fenced leader epoch", refresh, ""},
	75:  {"unknown leader epoch", refresh, ""},
	76:  {"unsupported compression", fatal, "set another compression"},
	77:  {"stale broker epoch", retry, ""},
	78:  {"offset not available", refresh, ""},
	79:  {"member id required", rejoin, ""},
	80:  {"preferred leader not available", refresh, ""},
	81:  {"group is at its largest size", fatal, "raise the brokers' group.max.size"},
	82:  {"fenced instance", fatal, "give each process an instance name of its own"},
	87:  {"invalid record", fatal, ""},
	89:  {"throttling quota exceeded", retry, ""},
	100: {"unknown topic id", refresh, ""},
	103: {"inconsistent topic id", refresh, ""},
}

func (c code) class() class { return codeTable[c].class }

func (c code) String() string {
	if e, ok := codeTable[c]; ok {
		return e.name
	}
	return fmt.Sprintf("kafka error code %d", int16(c))
}

// BrokerError is a broker's refusal.
type BrokerError struct {
	Code    int16
	Op      string // what was asked
	Subject string // of what: a topic, "topic/partition", a group
	Message string // the broker's own words; often empty
}

func (e *BrokerError) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Op, e.Subject, code(e.Code))
	if e.Message != "" {
		s += ": " + e.Message
	}
	if r := codeTable[code(e.Code)].remedy; r != "" {
		s += " (" + r + ")"
	}
	return s
}

// Is makes a topic that metadata does not have ErrNoTopic. The same code from a partition's leader only says that it has not heard
// of the topic yet.
func (e *BrokerError) Is(target error) bool {
	return target == ErrNoTopic && code(e.Code) == codeUnknownTopic && e.Op == opDescribe
}

const opDescribe = "describe"

func refusal(c code, op, subject, message string) error {
	if c == codeNone {
		return nil
	}
	return &BrokerError{Code: int16(c), Op: op, Subject: subject, Message: message}
}

func partitionName(topic string, partition int32) string {
	return fmt.Sprintf("topic %s partition %d", topic, partition)
}

// codeOf returns the code of a broker's refusal within err, 0 where there is none: then err is the way's, not the broker's.
func codeOf(err error) code {
	if e, ok := errors.AsType[*BrokerError](err); ok {
		return code(e.Code)
	}
	return codeNone
}

// Retriable says whether the same may go well later. Errors of the way to a broker are, refusals by their code.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ErrNoTopic) {
		return false
	}
	if e, ok := errors.AsType[*BrokerError](err); ok {
		return code(e.Code).class() != fatal
	}
	var lost lostError
	return !errors.As(err, &lost)
}
