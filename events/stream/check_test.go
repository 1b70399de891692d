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
	for name, c := range map[string]struct {
		got           Finding
		verdict, says string
	}{
		"retention, none":          {checkRetention(map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}), pass, "for ever"},
		"retention, 62 days":       {checkRetention(map[string]string{"retention.ms": "5356800000"}), pass, "62 days"},
		"retention, a bit less":    {checkRetention(map[string]string{"retention.ms": "5356799999"}), fail, "61 days"},
		"retention, an hour":       {checkRetention(map[string]string{"retention.ms": "3600000"}), fail, "1h0m0s"},
		"retention, by size":       {checkRetention(map[string]string{"retention.ms": "-1", "retention.bytes": "1000"}), warn, "1000 bytes"},
		"retention, unheard of":    {checkRetention(map[string]string{}), warn, "retention.ms"},
		"compaction":               {checkCompaction(map[string]string{"cleanup.policy": "compact"}), fail, "compact"},
		"compaction with deletion": {checkCompaction(map[string]string{"cleanup.policy": "compact,delete"}), fail, "compact,delete"},
		"deletion":                 {checkCompaction(map[string]string{"cleanup.policy": "delete"}), pass, ""},
		"producers' clock":         {checkTimestamps(map[string]string{"message.timestamp.type": "CreateTime"}), warn, "producer's clock"},
		"brokers' clock":           {checkTimestamps(map[string]string{"message.timestamp.type": "LogAppendTime"}), pass, ""},
		"three replicas":           {checkReplication(one(PartitionInfo{Replicas: three, ISR: three})), pass, "3 replicas"},
		"one replica":              {checkReplication(one(PartitionInfo{Replicas: three, ISR: three}, PartitionInfo{Replicas: three[:1], ISR: three[:1]})), warn, "one replica"},
		"out of sync":              {checkReplication(one(PartitionInfo{Replicas: three, ISR: three[:2]})), warn, "out of sync"},
		"no leader":                {checkReplication(one(PartitionInfo{Leader: -1, Replicas: three})), fail, "no leader"},
		"not allowed":              {permissions("permissions", "topic t", 1<<mayRead|1<<mayDescribe, mayRead, mayWrite, mayDescribe), fail, "no WRITE"},
		"allowed":                  {permissions("permissions", "topic t", 1<<mayRead|1<<mayWrite, mayRead, mayWrite), pass, "READ, WRITE"},
	} {
		if c.got.Verdict != c.verdict || !strings.Contains(c.got.Detail, c.says) || (c.got.Verdict == pass) != (c.got.Remedy == "") {
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
		if f := got[check]; f.Verdict != fail || !strings.Contains(f.Detail, want) || f.Remedy == "" {
			t.Errorf("%s: %+v, want a failure with %q", check, f, want)
		}
	}
}
