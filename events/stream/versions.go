package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/wire"
)

// versionRange is what a broker offers of one API.
type versionRange struct{ min, max int16 }

// versions asks a broker, once, what it offers. kafka-go keeps only what it knows itself.
func (l *Log) versions(ctx context.Context, node int32) (map[protocol.ApiKey]versionRange, error) {
	l.mu.Lock()
	known := l.offered[node]
	l.mu.Unlock()
	if known != nil {
		return known, nil
	}
	d, err := l.call(ctx, node, protocol.ApiVersions, 0, nil)
	if err != nil {
		return nil, err
	}
	if known, err = decodeVersions(d, l.place(node)); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.offered[node] = known
	l.mu.Unlock()
	return known, nil
}

func decodeVersions(d *wire.Decoder, place string) (map[protocol.ApiKey]versionRange, error) {
	c := wire.Code(d.Int16())
	n := d.Array(6)
	known := make(map[protocol.ApiKey]versionRange, n)
	for range n {
		key := protocol.ApiKey(d.Int16())
		known[key] = versionRange{d.Int16(), d.Int16()}
	}
	const op = "ask for the API versions of"
	if d.Err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, place, d.Err)
	}
	return known, wire.Refusal(c, op, place, "")
}

// forget drops what a broker was known to offer: it may come back as another version.
func (l *Log) forget(node int32) {
	l.mu.Lock()
	delete(l.offered, node)
	l.mu.Unlock()
}

// version picks the first of the versions wanted that the broker has.
func (l *Log) version(ctx context.Context, node int32, key protocol.ApiKey, wanted ...int16) (int16, error) {
	offered, err := l.versions(ctx, node)
	if err != nil {
		return 0, err
	}
	r, ok := offered[key]
	for _, v := range wanted {
		if ok && v >= r.min && v <= r.max {
			return v, nil
		}
	}
	return 0, &BrokerError{Code: int16(wire.CodeUnsupported), Op: "send", Subject: key.String(),
		Message: fmt.Sprintf("%s offers versions %d–%d, wanted one of %v", l.place(node), r.min, r.max, wanted)}
}
