package stream

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/group"
	"headcount/events/stream/wire"
)

const (
	anyBroker  = group.AnyBroker // routes a request to whichever broker is at hand
	controller = int32(-2)       // routes a request to the controller
)

// maxAnswer is what a broker's answer to anything but a fetch may hold.
const maxAnswer = 64 << 20

var correlation atomic.Int32

// request is a message of our own encoding, sent raw through kafka-go's Transport.
type request struct {
	key      protocol.ApiKey
	version  int16
	node     int32
	clientID string
	flexible bool
	body     []byte
	timeout  time.Duration                     // 0: Config.RequestTimeout
	limit    int                               // of the answer's bytes; 0: maxAnswer
	answer   func(r io.Reader, size int) error // reads the answer's body, where it is not to be held as a whole
	whole    []byte                            // the answer's body otherwise
	throttle int32                             // ms that the broker's quota has us wait, where answer has read it
}

//nolint:staticcheck // the name is protocol.Message's
func (r *request) ApiKey() protocol.ApiKey                 { return r.key }
func (r *request) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *request) Broker(c protocol.Cluster) (protocol.Broker, error) {
	if _, known := c.Brokers[c.Controller]; known && r.node == controller {
		return protocol.Broker{ID: c.Controller}, nil
	}
	return protocol.Broker{ID: max(r.node, anyBroker)}, nil
}

// RawExchange writes the request and reads the answer. An error leaves the connection in an unknown place; the Transport closes
// it.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	id := correlation.Add(1) & math.MaxInt32
	e := wire.Encoder{Buf: make([]byte, 4, 4+10+len(r.clientID)+1+len(r.body))}
	e.Int16(int16(r.key))
	e.Int16(r.version)
	e.Int32(id)
	e.Str(r.clientID) // not compact in any header
	e.Flexible = r.flexible
	e.Tags()
	e.Buf = append(e.Buf, r.body...)
	binary.BigEndian.PutUint32(e.Buf, uint32(len(e.Buf)-4))
	if _, err := rw.Write(e.Buf); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	limit := r.limit
	if limit == 0 {
		limit = maxAnswer
	}
	if size < 0 || size > limit {
		return nil, &AnswerSizeError{Size: size, Limit: limit, Fetch: r.key == protocol.Fetch}
	}
	if got := int32(binary.BigEndian.Uint32(head[4:])); got != id {
		return nil, fmt.Errorf("answer to request %d came for request %d", got, id)
	}
	body := &io.LimitedReader{R: rw, N: int64(size)}
	if r.flexible {
		if err := skipTags(body); err != nil {
			return nil, err
		}
	}
	if r.answer != nil {
		if err := r.answer(body, int(body.N)); err != nil {
			return nil, err
		}
	} else {
		var err error
		if r.whole, err = wire.ReadWhole(body); err != nil {
			return nil, err
		}
	}
	if body.N != 0 {
		return nil, fmt.Errorf("%d bytes left over in the answer", body.N)
	}
	return r, nil
}

// skipTags reads the tagged fields of an answer's header.
func skipTags(r *io.LimitedReader) error {
	s := &wire.StreamDecoder{R: r, Flexible: true}
	s.Tags()
	return s.Err
}

// send does one exchange, bounded by the request's timeout where the context has no nearer end. What the broker has asked to wait
// with, by its quota, waits first.
func (l *Log) send(ctx context.Context, r *request) error {
	if err := l.throttles.wait(ctx, r.node, r.key); err != nil {
		return fmt.Errorf("%v request to %s: throttled by the broker: %w", r.key, l.place(r.node), err)
	}
	r.clientID = l.config.ClientID
	timeout := r.timeout
	if timeout == 0 {
		timeout = l.config.RequestTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m, err := l.transport.RoundTrip(ctx, l.addr, r)
	if err != nil {
		return fmt.Errorf("%v request to %s: %w", r.key, l.place(r.node), err)
	}
	if m != protocol.Message(r) {
		return fmt.Errorf("%v request to %s: answered with %T", r.key, l.place(r.node), m)
	}
	most := mostThrottle
	if r.key == protocol.Heartbeat { // paced already; who is silent for long loses its partitions
		most = min(most, l.config.SessionTimeout/4)
	}
	if d := l.throttles.note(r.node, r.key, r.throttled(), most); d > 0 {
		l.warn("slowed down by the broker's quota", nil, "request", r.key.String(), "broker", r.node, "wait", d)
	}
	return nil
}

// call does one exchange of a message in a version that is not flexible, and returns its answer.
func (l *Log) call(ctx context.Context, node int32, key protocol.ApiKey, version int16, body []byte) (*wire.Decoder, error) {
	r := &request{key: key, version: version, node: node, body: body}
	if err := l.send(ctx, r); err != nil {
		return nil, err
	}
	return &wire.Decoder{Buf: r.whole}, nil
}

func (l *Log) place(node int32) string {
	if node < 0 {
		return "kafka at " + l.addr.String()
	}
	return fmt.Sprintf("broker %d", node)
}
