package collect

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"headcount/events"
)

// Dead is an event of a request that will be a dead letter.
type Dead struct {
	Index  int           `json:"index"` // in the request, from 0
	Reason events.Reason `json:"reason"`
}

// answer is what a request is told.
type answer struct {
	status   int
	accepted int
	dead     []Dead

	detail string        // of a refusal
	err    error         // for the log alone
	wait   time.Duration // before the sender comes again
	bearer bool          // a key is asked for
	drop   bool          // the body was not read to its end
}

func no(status int, detail string) *answer     { return &answer{status: status, detail: detail} }
func (a *answer) because(err error) *answer    { a.err = err; return a }
func (a *answer) unread() *answer              { a.drop = true; return a }
func (a *answer) after(d time.Duration) answer { a.wait = d; return *a }
func unauthorized(detail string) *answer {
	return &answer{status: http.StatusUnauthorized, detail: detail, bearer: true, drop: true}
}
func (a *answer) refused() bool { return a.status != http.StatusAccepted }

// write puts the answer out: {"accepted":49,"dead":[{"index":3,"reason":"…"}]}, or a problem as RFC 9457 has it.
func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	if a.bearer {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if a.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((a.wait+time.Second-1)/time.Second)))
	}
	if !a.refused() {
		h.Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		if len(a.dead) == 0 {
			_, _ = w.Write(strconv.AppendInt(append(make([]byte, 0, 40), `{"accepted":`...), int64(a.accepted), 10))
			_, _ = w.Write([]byte(",\"dead\":[]}\n"))
			return
		}
		_ = json.NewEncoder(w).Encode(struct {
			Accepted int    `json:"accepted"`
			Dead     []Dead `json:"dead"`
		}{a.accepted, a.dead})
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(a.status), a.status, a.detail})
}
