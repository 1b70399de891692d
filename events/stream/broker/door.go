package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where a record batch, format 2, says whether its timestamps are the broker's.
const (
	attributesLow    = 22 // the lower byte of the attributes
	logAppendTimeBit = 1 << 3
)

// refuseBrokersTime refuses batches that say that a broker has given them their time, as Apache Kafka does: only a broker may say so.
// The cluster would take one and write its own time into it, past the checksum, and nobody could read on behind it.
func refuseBrokersTime(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		q, ok := r.(*kmsg.ProduceRequest)
		if !ok || !claimBrokersTime(q) {
			return nil, nil, false
		}
		if q.Acks == 0 { // no answer is waited for
			return nil, nil, true
		}
		return refusal(q), nil, true
	})
}

func claimBrokersTime(q *kmsg.ProduceRequest) bool {
	for _, t := range q.Topics {
		for _, p := range t.Partitions {
			if claimsBrokersTime(p.Records) {
				return true
			}
		}
	}
	return false
}

func claimsBrokersTime(batch []byte) bool {
	return len(batch) > attributesLow && batch[attributesLow]&logAppendTimeBit != 0
}

// refusal answers a request of which nothing is taken: batches that claim the broker's time are refused for good, those beside them
// are to be sent again.
func refusal(q *kmsg.ProduceRequest) kmsg.Response {
	a := q.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range q.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			one := kmsg.NewProduceResponseTopicPartition()
			one.Partition, one.BaseOffset = p.Partition, -1
			if claimsBrokersTime(p.Records) {
				one.ErrorCode = kerr.InvalidTimestamp.Code
				one.ErrorMessage = kmsg.StringPtr("The batch says LogAppendTime: its timestamps are the producer's, and must be sent as CreateTime.")
			} else {
				one.ErrorCode = kerr.RequestTimedOut.Code
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		a.Topics = append(a.Topics, answer)
	}
	return a
}
