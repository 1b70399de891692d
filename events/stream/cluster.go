package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/wire"
)

// Cluster returns the id of the cluster that answers.
func (l *Log) Cluster(ctx context.Context) (id string, err error) {
	err = l.persistBriefly(ctx, "ask the brokers which cluster they are", func(ctx context.Context) error {
		version, err := l.version(ctx, anyBroker, protocol.Metadata, metadataVersions...)
		if err != nil {
			return err
		}
		e := wire.Encoder{Flexible: true}
		e.Array(0) // of no topic
		e.Bool(false)
		if version <= 10 {
			e.Bool(false)
		}
		e.Bool(false)
		e.Tags()
		r := &request{key: protocol.Metadata, version: version, node: anyBroker, flexible: true, body: e.Buf}
		if err := l.send(ctx, r); err != nil {
			return err
		}
		d := wire.Decoder{Buf: r.whole, Flexible: true}
		d.Int32() // throttle
		decodeBrokers(&d)
		id = d.Str()
		if d.Err != nil {
			return fmt.Errorf("metadata answer: %w", d.Err)
		}
		return nil
	})
	return id, err
}
