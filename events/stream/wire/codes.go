package wire

import "fmt"

// Code is a Kafka error code, as it stands in an answer.
type Code int16

// Class says what to do about a code.
type Class uint8

// The classes.
const (
	Retry   Class = iota // the same again after a pause; also for codes nobody has heard of
	Refresh              // ask who leads the partition, then again
	Rejoin               // the group moved on
	Fatal                // no retry will help
)

// The codes that something is done about by name.
const (
	CodeNone                 Code = 0
	CodeOutOfRange           Code = 1
	CodeUnknownTopic         Code = 3
	CodeNoLeader             Code = 5
	CodeTooLarge             Code = 10
	CodeNoCoordinator        Code = 15
	CodeNotCoordinator       Code = 16
	CodeIllegalGeneration    Code = 22
	CodeInconsistentProtocol Code = 23
	CodeInvalidGroup         Code = 24
	CodeUnknownMember        Code = 25
	CodeSessionTimeout       Code = 26
	CodeRebalance            Code = 27
	CodeTopicExists          Code = 36
	CodeOutOfOrderSequence   Code = 45
	CodeDuplicateSequence    Code = 46
	CodeProducerEpoch        Code = 47
	CodeUnsupported          Code = 35
	CodeUnknownProducer      Code = 59
	CodeFencedEpoch          Code = 74
	CodeMemberIDRequired     Code = 79
	CodeFencedInstance       Code = 82
	CodeNoGroup              Code = 69
)

// codeTable is what is known of codes. Whatever is not listed is retried, and shown by its number.
var codeTable = map[Code]struct {
	name   string
	class  Class
	remedy string
}{
	-1:  {"unknown server error", Retry, "see the broker's log"},
	1:   {"offset out of range", Fatal, ""},
	2:   {"corrupt message", Retry, "the broker's copy of the batch fails its checksum: see the broker's disks"},
	3:   {"unknown topic or partition", Refresh, ""},
	4:   {"invalid fetch size", Fatal, ""},
	5:   {"leader not available", Refresh, ""},
	6:   {"not the leader", Refresh, ""},
	7:   {"request timed out", Retry, ""},
	8:   {"broker not available", Refresh, ""},
	9:   {"replica not available", Refresh, ""},
	10:  {"message too large", Fatal, "raise the topic's max.message.bytes"},
	13:  {"network exception", Refresh, ""},
	14:  {"coordinator is loading", Retry, ""},
	15:  {"coordinator not available", Rejoin, ""},
	16:  {"not the coordinator", Rejoin, ""},
	17:  {"invalid topic", Fatal, "give the topic another name"},
	18:  {"record list too large", Fatal, "raise the brokers' log.segment.bytes"},
	19:  {"not enough replicas in sync", Retry, "bring the partition's replicas back"},
	20:  {"not enough replicas after append", Retry, "bring the partition's replicas back"},
	21:  {"invalid required acks", Fatal, ""},
	22:  {"illegal generation", Rejoin, ""},
	23:  {"inconsistent group protocol", Fatal, "another program uses this group: give the group a name of its own"},
	24:  {"invalid group id", Fatal, "give the group another name"},
	25:  {"unknown member", Rejoin, ""},
	26:  {"invalid session timeout", Fatal, "set the session timeout between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms"},
	27:  {"rebalance in progress", Rejoin, ""},
	29:  {"topic authorization failed", Fatal, "give the principal READ, WRITE and DESCRIBE on the topic"},
	30:  {"group authorization failed", Fatal, "give the principal READ on the group"},
	31:  {"cluster authorization failed", Fatal, "give the principal the operation on the cluster"},
	32:  {"invalid timestamp", Fatal, "the topic refuses the record's timestamp: see message.timestamp.before.max.ms and message.timestamp.after.max.ms"},
	33:  {"unsupported SASL mechanism", Fatal, ""},
	34:  {"illegal SASL state", Fatal, ""},
	35:  {"unsupported version", Fatal, "the broker is too old: Apache Kafka 2.8 or later is needed"},
	36:  {"topic already exists", Fatal, ""},
	37:  {"invalid partitions", Fatal, "ask for one partition or more"},
	38:  {"invalid replication factor", Fatal, "ask for no more replicas than there are brokers"},
	39:  {"invalid replica assignment", Fatal, ""},
	40:  {"invalid configuration", Fatal, ""},
	41:  {"not the controller", Retry, ""},
	42:  {"invalid request", Fatal, ""},
	43:  {"unsupported for the message format", Fatal, ""},
	44:  {"policy violation", Fatal, "the brokers' policy refuses it"},
	45:  {"out of order sequence", Retry, ""},
	46:  {"duplicate sequence", Retry, ""},
	47:  {"invalid producer epoch", Retry, ""},
	53:  {"transactional id authorization failed", Fatal, ""},
	56:  {"storage error", Refresh, "see the broker's disks"},
	58:  {"SASL authentication failed", Fatal, "check the user name and the password"},
	59:  {"unknown producer", Retry, ""},
	74:  {"fenced leader epoch", Refresh, ""},
	75:  {"unknown leader epoch", Refresh, ""},
	76:  {"unsupported compression", Fatal, "set another compression"},
	77:  {"stale broker epoch", Retry, ""},
	78:  {"offset not available", Refresh, ""},
	79:  {"member id required", Rejoin, ""},
	80:  {"preferred leader not available", Refresh, ""},
	81:  {"group is at its largest size", Fatal, "raise the brokers' group.max.size"},
	82:  {"fenced instance", Fatal, "give each process an instance name of its own"},
	87:  {"invalid record", Fatal, ""},
	89:  {"throttling quota exceeded", Retry, ""},
	100: {"unknown topic id", Refresh, ""},
	103: {"inconsistent topic id", Refresh, ""},
}

// Class is what to do about the code.
func (c Code) Class() Class { return codeTable[c].class }

func (c Code) String() string {
	if e, ok := codeTable[c]; ok {
		return e.name
	}
	return fmt.Sprintf("kafka error code %d", int16(c))
}

// UnknownOperations stands, in an answer that says what this principal may do, for a broker that does not say.
const UnknownOperations = -1 << 31
