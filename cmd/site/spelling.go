package site

import (
	"context"
	"errors"
	"strings"

	"headcount/counter/checkpoint"
	"headcount/events/stream"
	"headcount/events/stream/broker"
	"headcount/events/stream/group"
	"headcount/events/stream/wire"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/closing"
	"headcount/verify/recount"
)

// spelled is an error whose remedies are spelled out: by flags, commands and settings.
type spelled struct {
	error
	text string
}

func (s *spelled) Error() string { return s.text }
func (s *spelled) Unwrap() error { return s.error }

// spell adds to an error what its remedies are called here, those of every part of it.
func spell(err error) error {
	text := err.Error()
	for _, part := range spellings {
		if how, ok := part(err); ok && how != "" && !strings.Contains(text, how) {
			text += " (" + how + ")"
		}
	}
	if text == err.Error() {
		return err
	}
	return &spelled{err, text}
}

// spellings say of an error, whoever wraps it, what its remedy is called: a command with its flags, or a setting.
var spellings = []func(error) (how string, ok bool){
	// an accepted loss
	always[*stream.GapError](acceptGap),
	always[*stream.TruncatedError](acceptGap),
	always[*stream.RecreatedError](acceptGap),
	always[*worker.SealLostError](acceptGap),
	like(checkpoint.ErrDiffers, 0, "`rollup verify` tells which is right, "+acceptGap+" accepts the loss").remedy,
	// brokers
	spelling(func(e *stream.RefusedError) string { return refusals[e.Why] }),
	spelling(func(e *wire.BrokerError) string { return codes[wire.Code(e.Code)] }),
	spelling(func(e *stream.AnswerSizeError) string {
		if !e.Fetch {
			return ""
		}
		return "kafka.max_batch_bytes"
	}),
	always[*group.FencedError]("--instance"),
	like(group.ErrStranger, 0, "kafka.group").remedy,
	spelling(func(e *worker.DeadLetterError) string {
		if !errors.Is(e, stream.ErrNoTopic) {
			return ""
		}
		return "`ingest init` creates the topic"
	}),
	like(broker.ErrNoHost, 0, "kafka.brokers").remedy,
	like(broker.ErrExposed, 0, "kafka.embedded.expose").remedy,
	// months and the ledger
	always[*closing.GraceError]("billing.grace"),
	always[*closing.ForeignTopicError]("kafka.brokers"),
	spelling(func(e *ledger.UnclosedError) string { return "`rollup close --month " + e.Month.String() + "`" }),
	spelling(func(e *ledger.NoInvoiceError) string {
		return "`rollup invoices --month " + e.Month.String() + "` lists those that have one"
	}),
	like(ledger.ErrMissing, 0, "`ledger:` in the config; the first `rollup close` makes it").remedy,
	like(ledger.ErrForeign, 0, "`ledger:` in the config").remedy,
	like(ledger.ErrOlder, 0, "`rollup close` does, on PostgreSQL `rollup ledger prepare` as their owner").remedy,
	// a month counted again
	always[recount.StartError](FromSealed),
	always[recount.LostSealError](FromSealed),
	always[*recount.OtherTopicError](FromSealed),
}

const acceptGap = "`ingest run --accept-gap`"

// FromSealed is what can be done where the log cannot be counted.
const FromSealed = "--from-sealed checks what can be checked without the log"

// refusals are the settings that a refused connection is mended by.
var refusals = map[stream.Refusal]string{
	stream.WrongPassword:    "kafka.sasl",
	stream.UnknownMechanism: "kafka.sasl.mechanism",
	stream.UntrustedBroker:  "kafka.tls.ca_file, kafka.tls.server_name",
	stream.NoTLS:            "kafka.tls",
	stream.TLSEnded:         "kafka.tls.cert_file",
}

// codes are the settings that a broker's refusal is mended by.
var codes = map[wire.Code]string{
	wire.CodeInconsistentProtocol: "kafka.group",
	wire.CodeInvalidGroup:         "kafka.group",
	wire.CodeSessionTimeout:       "kafka.session_timeout",
	wire.CodeFencedInstance:       "--instance",
}

// remedies are what a preflight's remedies are called.
var remedies = map[string]string{
	stream.ReachBrokers: "kafka.brokers",
	stream.CreateTopic:  "`ingest init`",
	stream.ReadGroup:    "kafka.group",
}

// Check is the log's preflight, its remedies spelled out.
func (c *Connection) Check(ctx context.Context) []stream.Finding {
	found := c.Log.Check(ctx)
	for i := range found {
		how, ok := remedies[found[i].Remedy]
		if found[i].Remedy == stream.BrokersTimestamps {
			how, ok = "`kafka-configs --bootstrap-server "+c.at+" --alter --entity-type topics --entity-name "+c.topic+
				" --add-config message.timestamp.type=LogAppendTime`, or kafka.producer_time: accept", true
		}
		if ok {
			found[i].Remedy += " (" + how + ")"
		}
	}
	return found
}

// spelling is that of an error type.
func spelling[E error](how func(E) string) func(error) (string, bool) { return of(0, how).remedy }

// always is the spelling of an error type that has but one.
func always[E error](how string) func(error) (string, bool) {
	return spelling(func(E) string { return how })
}
