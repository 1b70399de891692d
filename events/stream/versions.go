package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
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
	a, err := ask[*apiversions.Response](ctx, l, node, 0, &apiversions.Request{})
	if err != nil {
		return nil, err
	}
	if err := refusal(code(a.ErrorCode), "ask for the API versions of", l.place(node), ""); err != nil {
		return nil, err
	}
	known = make(map[protocol.ApiKey]versionRange, len(a.ApiKeys))
	for _, k := range a.ApiKeys {
		known[protocol.ApiKey(k.ApiKey)] = versionRange{k.MinVersion, k.MaxVersion}
	}
	l.mu.Lock()
	l.offered[node] = known
	l.mu.Unlock()
	return known, nil
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
	return 0, &BrokerError{Code: int16(codeUnsupported), Op: "send", Subject: key.String(),
		Message: fmt.Sprintf("%s offers versions %d–%d, wanted one of %v", l.place(node), r.min, r.max, wanted)}
}
