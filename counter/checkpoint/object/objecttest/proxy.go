package objecttest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Proxy puts faults in the way to a server for other processes, until the test ends, and returns its URL.
func Proxy(t testing.TB, server string, faults *Faults) string {
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		on := r.Clone(r.Context())
		on.URL.Scheme, on.URL.Host, on.RequestURI = to.Scheme, to.Host, "" // Host stays: it is signed
		answer, err := faults.RoundTrip(on)
		if err != nil {
			panic(http.ErrAbortHandler) // the connection ends
		}
		defer answer.Body.Close()
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		if _, err := io.Copy(w, answer.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(h.Close)
	return h.URL
}
