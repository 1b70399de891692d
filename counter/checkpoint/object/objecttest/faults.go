package objecttest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Fault is what goes wrong with a request.
type Fault int

// Faults, in what they do to a request.
const (
	None       Fault = iota
	Refused          // it does not get there
	Lost             // it is done, and the answer is lost
	ErrorAfter       // it is done, and the answer is 500
	Busy             // 503
	Conflict         // 409
	Twice            // it is sent twice, and the answer is the second's
	Torn             // the answer's body ends in its middle
	Slow             // it takes a while
)

// AllFaults are those that something is wrong with.
var AllFaults = []Fault{Refused, Lost, ErrorAfter, Busy, Conflict, Twice, Torn, Slow}

// Faults is the way to a server, on which things go wrong.
type Faults struct {
	Choose func(r *http.Request) Fault // called for one request at a time

	mu    sync.Mutex
	Fired map[Fault]int
}

// Random has a share of all requests meet one of these faults.
func Random(seed uint64, share float64, of ...Fault) *Faults {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return &Faults{Choose: func(*http.Request) Fault {
		if rnd.Float64() >= share {
			return None
		}
		return of[rnd.IntN(len(of))]
	}}
}

var errReset = errors.New("the connection was reset")

// RoundTrip implements http.RoundTripper.
func (f *Faults) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	fault := f.Choose(r)
	if f.Fired == nil {
		f.Fired = map[Fault]int{}
	}
	f.Fired[fault]++
	f.mu.Unlock()
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	send := func() (*http.Response, error) {
		again := r.Clone(r.Context())
		if r.Body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		return http.DefaultTransport.RoundTrip(again)
	}
	switch fault {
	case Refused:
		return nil, errReset
	case Busy:
		return made(r, http.StatusServiceUnavailable, "SlowDown"), nil
	case Conflict:
		return made(r, http.StatusConflict, "ConditionalRequestConflict"), nil
	case Slow:
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if fault == Twice {
		if first, err := send(); err == nil {
			_, _ = io.Copy(io.Discard, first.Body)
			first.Body.Close()
		}
	}
	answer, err := send()
	if err != nil {
		return nil, err
	}
	switch fault {
	case Lost:
		answer.Body.Close()
		return nil, errReset
	case ErrorAfter:
		answer.Body.Close()
		return made(r, http.StatusInternalServerError, "InternalError"), nil
	case Torn:
		b, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), broken{}))
	}
	return answer, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func made(r *http.Request, status int, code string) *http.Response {
	text := "<Error><Code>" + code + "</Code><Message>as the test wants it</Message></Error>"
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(bytes.NewReader([]byte(text))), ContentLength: int64(len(text)),
	}
}
