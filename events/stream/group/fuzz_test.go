package group

import (
	"testing"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
	"headcount/events/stream/wire/wiretest"
)

// answers decode what a broker sends, each kind of it, for topic "t" and group "g".
var answers = []wiretest.Decoder{
	func(b []byte, _ func(int) []byte) error { _, err := decodeSubscription(b, "t"); return err },
	func(b []byte, _ func(int) []byte) error { _, err := decodeAssignment(b, "t"); return err },
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeVerdict(&wire.Decoder{Buf: b}, protocol.Heartbeat)
		return err
	},
	func(b []byte, _ func(int) []byte) error { _, err := decodeJoin(&wire.Decoder{Buf: b}); return err },
	func(b []byte, _ func(int) []byte) error { _, _, err := decodeSync(&wire.Decoder{Buf: b}); return err },
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeCoordinator(&wire.Decoder{Buf: b}, "g")
		return err
	},
	func(b []byte, _ func(int) []byte) error { return decodeCommit(&wire.Decoder{Buf: b}) },
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeGroup(&wire.Decoder{Buf: b}, "g")
		return err
	},
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeCommitted(&wire.Decoder{Buf: b}, "t", 0)
		return err
	},
}

// FuzzAnswers: no answer, and nothing that another member says, makes a decoder panic, or allocate out of proportion to what it holds.
func FuzzAnswers(f *testing.F) {
	f.Add(subscription{topic: "t", partitions: 3, owned: []events.Partition{1, 2}}.encode(), uint8(0))
	f.Add(encodeAssignment("t", []events.Partition{1, 2}), uint8(1))
	wiretest.FuzzAnswers(f, answers)
}
