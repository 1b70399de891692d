package stream

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	saslplain "github.com/segmentio/kafka-go/sasl/plain"
)

func TestPreflightLines(t *testing.T) {
	one := func(p ...PartitionInfo) *Topic { return &Topic{Partitions: p} }
	three := []int32{1, 2, 3}
	timestamps := func(accepted bool, kind, ahead string) Finding {
		l := &Log{config: Config{Brokers: []string{"b:9092"}, Topic: "t", ProducerTime: accepted}}
		return l.checkTimestamps(map[string]string{"message.timestamp.type": kind, "message.timestamp.after.max.ms": ahead})
	}
	for name, c := range map[string]struct {
		got     Finding
		verdict Verdict
		says    string
	}{
		"retention, none":          {checkRetention(map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}), Pass, "for ever"},
		"retention, 62 days":       {checkRetention(map[string]string{"retention.ms": "5356800000"}), Pass, "62 days"},
		"retention, a bit less":    {checkRetention(map[string]string{"retention.ms": "5356799999"}), Fail, "61 days"},
		"retention, an hour":       {checkRetention(map[string]string{"retention.ms": "3600000"}), Fail, "1h0m0s"},
		"retention, by size":       {checkRetention(map[string]string{"retention.ms": "-1", "retention.bytes": "1000"}), Warn, "1000 bytes"},
		"retention, unheard of":    {checkRetention(map[string]string{}), Warn, "retention.ms"},
		"compaction":               {checkCompaction(map[string]string{"cleanup.policy": "compact"}), Fail, "compact"},
		"compaction with deletion": {checkCompaction(map[string]string{"cleanup.policy": "compact,delete"}), Fail, "compact,delete"},
		"deletion":                 {checkCompaction(map[string]string{"cleanup.policy": "delete"}), Pass, ""},
		"producers' clock":         {timestamps(false, "CreateTime", ""), Fail, "whoever produces"},
		"producers', accepted":     {timestamps(true, "CreateTime", "3600000"), Pass, "as accepted"},
		"nothing said of ahead":    {timestamps(true, "CreateTime", ""), Pass, "as accepted"},
		"however far ahead":        {timestamps(true, "CreateTime", "9223372036854775807"), Warn, "after.max.ms is 9223372036854775807"},
		"brokers' clock":           {timestamps(false, "LogAppendTime", ""), Pass, "the brokers' clock"},
		"brokers', others allowed": {timestamps(true, "LogAppendTime", "9223372036854775807"), Pass, "the brokers' clock"},
		"three replicas":           {checkReplication(one(PartitionInfo{Replicas: three, ISR: three})), Pass, "3 replicas"},
		"one replica":              {checkReplication(one(PartitionInfo{Replicas: three, ISR: three}, PartitionInfo{Replicas: three[:1], ISR: three[:1]})), Warn, "one replica"},
		"out of sync":              {checkReplication(one(PartitionInfo{Replicas: three, ISR: three[:2]})), Warn, "out of sync"},
		"no leader":                {checkReplication(one(PartitionInfo{Leader: -1, Replicas: three})), Fail, "no leader"},
		"not allowed":              {permissions("permissions", "topic t", 1<<mayRead|1<<mayDescribe, mayRead, mayWrite, mayDescribe), Fail, "no WRITE"},
		"allowed":                  {permissions("permissions", "topic t", 1<<mayRead|1<<mayWrite, mayRead, mayWrite), Pass, "READ, WRITE"},
	} {
		if c.got.Verdict != c.verdict || !strings.Contains(c.got.Detail, c.says) || (c.got.Verdict == Pass) != (c.got.Remedy == "") {
			t.Errorf("%s: %+v, want %s with %q", name, c.got, c.verdict, c.says)
		}
	}
}

// A principal who may only read is told what it lacks.
func TestPreflightPermissions(t *testing.T) {
	allow := func(kind kmsg.ACLResourceType, resource string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kind, Name: resource, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t", "t.dead"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User("PLAIN", "reader", "x", allow(kmsg.ACLResourceTypeTopic, "t", kmsg.ACLOperationRead), allow(kmsg.ACLResourceTypeTopic, "t.dead", kmsg.ACLOperationDescribe)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := dialCluster(t, c, func(c *testConfig) { c.SASL, c.Group = saslplain.Mechanism{Username: "reader", Password: "x"}, "g" })
	got := map[string]Finding{}
	for _, f := range l.Check(t.Context()) {
		got[f.Check] = f
	}
	for check, want := range map[string]string{"permissions": "no WRITE", "dead letters": "no WRITE", "group": "group authorization failed"} {
		if f := got[check]; f.Verdict != Fail || !strings.Contains(f.Detail, want) || f.Remedy == "" {
			t.Errorf("%s: %+v, want a failure with %q", check, f, want)
		}
	}
}
