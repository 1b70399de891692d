package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// exchanged is a request and its answer on their way past a meddler.
type exchanged struct {
	key     protocol.ApiKey
	version int16
	asked   time.Time
	request []byte // with its header, without the length before it
	answer  []byte // with the correlation id, without the length before it; the meddler may change it
}

// What a meddler can have happen to an answer.
var (
	errCut   = errors.New("the line breaks in the middle of the answer")
	errStall = errors.New("the answer never comes")
)

// meddled makes a Config's connections go past a meddler, which sees every exchange and may change its answer. It is called by many
// goroutines.
func meddled(t testing.TB, meddle func(*exchanged) error) func(*testConfig) {
	return func(c *testConfig) {
		c.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			broker, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			ours, theirs := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer broker.Close()
				defer theirs.Close()
				ferry(theirs, broker, meddle)
			}()
			t.Cleanup(func() {
				ours.Close()
				broker.Close()
				<-done
			})
			return ours, nil
		}
	}
}

// ferry carries exchanges until either end is closed.
func ferry(client, broker net.Conn, meddle func(*exchanged) error) {
	for {
		request, err := frame(client)
		if err != nil || len(request) < 8 {
			return
		}
		x := &exchanged{asked: time.Now(), request: request,
			key: protocol.ApiKey(binary.BigEndian.Uint16(request)), version: int16(binary.BigEndian.Uint16(request[2:]))}
		if sendFrame(broker, request) != nil {
			return
		}
		if x.answer, err = frame(broker); err != nil {
			return
		}
		switch err := meddle(x); {
		case errors.Is(err, errCut):
			b := binary.BigEndian.AppendUint32(nil, uint32(len(x.answer)))
			client.Write(append(b, x.answer[:len(x.answer)/2]...))
			return
		case errors.Is(err, errStall):
			io.Copy(io.Discard, client) // until the client gives up
			return
		}
		if sendFrame(client, x.answer) != nil {
			return
		}
	}
}

func frame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func sendFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
