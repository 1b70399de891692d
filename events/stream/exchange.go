package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/segmentio/kafka-go/protocol"
)

const (
	anyBroker  = int32(-1) // routes a request to whichever broker is at hand
	controller = int32(-2) // routes one of kafka-go's messages to where kafka-go has it go
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
	limit    int                               // of the answer's bytes; 0: maxAnswer
	answer   func(r io.Reader, size int) error // reads the answer's body, where it is not to be held as a whole
	whole    []byte                            // the answer's body otherwise
}

//nolint:staticcheck // the name is protocol.Message's
func (r *request) ApiKey() protocol.ApiKey                 { return r.key }
func (r *request) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *request) Broker(protocol.Cluster) (protocol.Broker, error) {
	return protocol.Broker{ID: r.node}, nil
}

// RawExchange writes the request and reads the answer. An error leaves the connection in an unknown place; the Transport closes
// it.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	id := correlation.Add(1) & math.MaxInt32
	e := encoder{b: make([]byte, 4, 4+10+len(r.clientID)+1+len(r.body))}
	e.int16(int16(r.key))
	e.int16(r.version)
	e.int32(id)
	e.string(r.clientID) // not compact in any header
	e.flexible = r.flexible
	e.tags()
	e.b = append(e.b, r.body...)
	binary.BigEndian.PutUint32(e.b, uint32(len(e.b)-4))
	if _, err := rw.Write(e.b); err != nil {
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
		return nil, fmt.Errorf("answer of %d bytes, limit %d", size, limit)
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
		r.whole = make([]byte, body.N)
		if _, err := io.ReadFull(body, r.whole); err != nil {
			return nil, noEOF(err)
		}
	}
	if body.N != 0 {
		return nil, fmt.Errorf("%d bytes left over in the answer", body.N)
	}
	return r, nil
}

// noEOF makes an end within a message the error it is.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skipTags reads the tagged fields of an answer's header.
func skipTags(r *io.LimitedReader) error {
	s := &streamDecoder{r: r, flexible: true}
	s.tags()
	return s.err
}

// routed is one of kafka-go's messages in a version of our choice, for a broker of our choice.
type routed struct {
	node     int32
	version  int16
	clientID string
	message  protocol.Message
	answer   protocol.Message
}

//nolint:staticcheck // the name is protocol.Message's
func (r *routed) ApiKey() protocol.ApiKey                 { return r.message.ApiKey() }
func (r *routed) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *routed) Broker(c protocol.Cluster) (protocol.Broker, error) {
	if m, ok := r.message.(protocol.BrokerMessage); ok && r.node == controller {
		if _, known := c.Brokers[c.Controller]; known {
			return m.Broker(c)
		}
	}
	return protocol.Broker{ID: max(r.node, anyBroker)}, nil
}

// RawExchange encodes the message in the version that was asked for, where the Transport would take the newest that kafka-go
// has.
func (r *routed) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if p, ok := r.message.(protocol.PreparedMessage); ok {
		p.Prepare(r.version)
	}
	answer, err := protocol.RoundTrip(rw, r.version, correlation.Add(1)&math.MaxInt32, r.clientID, r.message)
	if err != nil {
		return nil, err
	}
	r.answer = answer
	return r, nil
}

// send does one exchange, bounded by the request timeout where the context has no nearer end.
func (l *Log) send(ctx context.Context, r *request) error {
	r.clientID = l.config.ClientID
	ctx, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	m, err := l.transport.RoundTrip(ctx, l.addr, r)
	if err != nil {
		return fmt.Errorf("%v request to %s: %w", r.key, l.place(r.node), err)
	}
	if m != protocol.Message(r) {
		return fmt.Errorf("%v request to %s: answered with %T", r.key, l.place(r.node), m)
	}
	return nil
}

// ask does one exchange of a kafka-go message.
func ask[A protocol.Message](ctx context.Context, l *Log, node int32, version int16, message protocol.Message) (A, error) {
	var none A
	ctx, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	return askWithin(ctx, l, node, version, message, none)
}

// askWithin is ask, bounded by the context alone.
func askWithin[A protocol.Message](ctx context.Context, l *Log, node int32, version int16, message protocol.Message, none A) (A, error) {
	r := &routed{node: node, version: version, clientID: l.config.ClientID, message: message}
	if _, err := l.transport.RoundTrip(ctx, l.addr, r); err != nil {
		return none, fmt.Errorf("%v request to %s: %w", message.ApiKey(), l.place(node), err)
	}
	a, ok := r.answer.(A)
	if !ok {
		return none, fmt.Errorf("%v request to %s: answered with %T", message.ApiKey(), l.place(node), r.answer)
	}
	return a, nil
}

func (l *Log) place(node int32) string {
	if node < 0 {
		return "kafka at " + l.addr.String()
	}
	return fmt.Sprintf("broker %d", node)
}
