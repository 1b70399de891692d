package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"headcount/events"
	"headcount/events/stream/wire"
)

// Finding is one line of a preflight.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"`
	Remedy  string  `json:"remedy,omitempty"` // of what is not ok
}

// Verdict says how a check ended.
type Verdict string

// A check that failed lets nobody begin; a warning is a risk.
const (
	Pass Verdict = "ok"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// CompactionCheck is the finding whose failure no reader may begin with: a compacted topic has lost events.
const CompactionCheck = "compaction"

// The remedies that a program may add a spelling to: what it calls that.
const (
	ReachBrokers      = "start the brokers, or name others"
	CreateTopic       = "create it"
	BrokersTimestamps = "set the topic's message.timestamp.type to LogAppendTime, or accept it where producers are trusted with that"
	ReadGroup         = "give the principal READ on the group, or name another group"
)

// leastRetention covers a month, the next until it is closed, and a recount.
const leastRetention = 62 * 24 * time.Hour

// Operations of Kafka's access control, as bits of what metadata says is allowed.
const (
	mayRead     = 3
	mayWrite    = 4
	mayDescribe = 8
)

// Check looks at the topic, its settings, the dead-letter topic, the group and what this principal may do with them. It changes
// nothing.
func (l *Log) Check(ctx context.Context) []Finding {
	name := l.config.Topic
	t, err := l.Describe(ctx)
	if err != nil {
		remedy := ReachBrokers
		if errors.Is(err, ErrNoTopic) {
			remedy = CreateTopic
		}
		return []Finding{{"topic", Fail, err.Error(), remedy}}
	}
	fs := []Finding{
		{"topic", Pass, fmt.Sprintf("%s, id %s, cluster %s, %d partitions", name, t.ID, t.Cluster, len(t.Partitions)), ""},
		checkReplication(t),
	}
	if c, err := l.Configs(ctx, name); err != nil {
		fs = append(fs, Finding{"settings", Warn, err.Error(), "give the principal DESCRIBE_CONFIGS on the topic, or check retention and compaction by hand"})
	} else {
		fs = append(fs, checkRetention(c), checkCompaction(c), l.checkTimestamps(c))
	}
	fs = append(fs, l.checkStart(ctx), checkPermissions("permissions", t, mayRead, mayWrite, mayDescribe))
	fs = append(fs, l.checkDead(ctx))
	if l.config.Group != "" {
		fs = append(fs, l.checkGroup(ctx))
	}
	return fs
}

func checkReplication(t *Topic) Finding {
	least, behind, leaderless := len(t.Partitions[0].Replicas), 0, 0
	for _, p := range t.Partitions {
		least = min(least, len(p.Replicas))
		if len(p.ISR) < len(p.Replicas) {
			behind++
		}
		if p.Leader < 0 {
			leaderless++
		}
	}
	switch {
	case leaderless > 0:
		return Finding{"replication", Fail, fmt.Sprintf("%d partitions have no leader", leaderless), "bring their brokers back"}
	case behind > 0:
		return Finding{"replication", Warn, fmt.Sprintf("%d partitions have replicas out of sync", behind), "bring their brokers back"}
	case least < 2:
		return Finding{"replication", Warn, "one replica: a lost disk is a lost month", "raise the topic's replication to 3"}
	}
	return Finding{"replication", Pass, fmt.Sprintf("%d replicas, all in sync", least), ""}
}

func checkRetention(c map[string]string) Finding {
	ms, err := strconv.ParseInt(c["retention.ms"], 10, 64)
	const remedy = "set the topic's retention.ms to -1, or to at least 5356800000 (62 days)"
	switch kept := time.Duration(ms) * time.Millisecond; {
	case err != nil:
		return Finding{"retention", Warn, fmt.Sprintf("retention.ms is %q", c["retention.ms"]), remedy}
	case ms >= 0 && ms < leastRetention.Milliseconds():
		return Finding{"retention", Fail, fmt.Sprintf("records are deleted after %s (retention.ms %d): a month could not be counted again", days(kept), ms), remedy}
	case c["retention.bytes"] != "" && c["retention.bytes"] != "-1":
		return Finding{"retention", Warn, fmt.Sprintf("records are deleted past %s bytes of a partition (retention.bytes)", c["retention.bytes"]), "set the topic's retention.bytes to -1"}
	case ms < 0:
		return Finding{"retention", Pass, "records are kept for ever", ""}
	default:
		return Finding{"retention", Pass, "records are kept for " + days(kept), ""}
	}
}

func days(d time.Duration) string {
	if d >= 24*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

func checkCompaction(c map[string]string) Finding {
	if strings.Contains(c["cleanup.policy"], "compact") {
		return Finding{CompactionCheck, Fail, fmt.Sprintf("cleanup.policy is %s: only a GUID's last event is kept", c["cleanup.policy"]), "set the topic's cleanup.policy to delete"}
	}
	return Finding{CompactionCheck, Pass, "none", ""}
}

// farAhead is what a broker that lets producers set timestamps may let them be ahead of its clock; Apache Kafka 4's default is an hour.
const farAhead = 24 * time.Hour

// checkTimestamps looks at whose clock stamps the records: it judges the devices' clocks, and which months there can be.
func (l *Log) checkTimestamps(c map[string]string) Finding {
	kind := c["message.timestamp.type"]
	if kind == "LogAppendTime" {
		return Finding{"timestamps", Pass, "LogAppendTime: the brokers' clock", ""}
	}
	if !l.config.ProducerTime {
		return Finding{"timestamps", Fail, fmt.Sprintf("message.timestamp.type is %s: whoever produces records sets the clock by which devices' clocks are judged", kind),
			BrokersTimestamps}
	}
	detail := fmt.Sprintf("message.timestamp.type is %s: the producers' clocks, as accepted", kind)
	const limit = "message.timestamp.after.max.ms"
	if ms, err := strconv.ParseInt(c[limit], 10, 64); err == nil && ms > farAhead.Milliseconds() {
		return Finding{"timestamps", Warn, fmt.Sprintf("%s; %s is %d: they may be ahead of the brokers' by that much", detail, limit, ms), "set the topic's " + limit + " to 3600000 (an hour)"}
	}
	return Finding{"timestamps", Pass, detail, ""}
}

func (l *Log) checkStart(ctx context.Context) Finding {
	all, err := l.Offsets(ctx)
	if err != nil {
		return Finding{"log", Fail, err.Error(), "see the brokers"}
	}
	var records events.Offset
	begun := 0
	for _, o := range all {
		records += o.End - o.Start
		if o.Start > 0 {
			begun++
		}
	}
	if begun > 0 {
		return Finding{"log", Warn, fmt.Sprintf("%d partitions no longer begin at offset 0: what was deleted cannot be counted again", begun), "set the topic's retention.ms to -1"}
	}
	return Finding{"log", Pass, fmt.Sprintf("whole from offset 0, %d offsets", records), ""}
}

func checkPermissions(check string, t *Topic, operations ...int) Finding {
	if t.operations == wire.UnknownOperations {
		return Finding{check, Pass, fmt.Sprintf("topic %s: the brokers check none", t.Name), ""}
	}
	return permissions(check, "topic "+t.Name, t.operations, operations...)
}

func permissions(check, subject string, allowed int32, operations ...int) Finding {
	names := map[int]string{mayRead: "READ", mayWrite: "WRITE", mayDescribe: "DESCRIBE"}
	var has, lacks []string
	for _, o := range operations {
		if allowed>>o&1 == 1 {
			has = append(has, names[o])
		} else {
			lacks = append(lacks, names[o])
		}
	}
	if len(lacks) > 0 {
		return Finding{check, Fail, fmt.Sprintf("%s: this principal has no %s", subject, strings.Join(lacks, ", ")), "give it to the principal with kafka-acls"}
	}
	return Finding{check, Pass, fmt.Sprintf("%s: %s", subject, strings.Join(has, ", ")), ""}
}

func (l *Log) checkDead(ctx context.Context) Finding {
	name := DeadTopic(l.config.Topic)
	var t *Topic
	err := l.persistBriefly(ctx, "describe topic "+name, func(ctx context.Context) (err error) {
		t, err = l.metadata(ctx, name)
		return err
	})
	switch {
	case errors.Is(err, ErrNoTopic):
		return Finding{"dead letters", Fail, "topic " + name + " does not exist: the first record that cannot be counted would halt its partition", CreateTopic}
	case err != nil:
		return Finding{"dead letters", Fail, err.Error(), "give the principal WRITE and DESCRIBE on topic " + name}
	}
	f := checkPermissions("dead letters", t, mayWrite, mayDescribe)
	return f
}

func (l *Log) checkGroup(ctx context.Context) Finding {
	var f Finding
	err := l.persistBriefly(ctx, "describe group "+l.config.Group, func(ctx context.Context) error {
		members, operations, err := l.group.Permissions(ctx)
		if err != nil {
			return err
		}
		subject := fmt.Sprintf("group %s, %d members", l.config.Group, members)
		if operations == wire.UnknownOperations || operations == 0 {
			f = Finding{"group", Pass, subject, ""}
			return nil
		}
		f = permissions("group", subject, operations, mayRead)
		return nil
	})
	if err != nil {
		return Finding{"group", Fail, err.Error(), ReadGroup}
	}
	return f
}
