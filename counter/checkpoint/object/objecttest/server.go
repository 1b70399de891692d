// Package objecttest is an S3 server in memory, for tests: what package object asks for and no more, without signatures. Others are in
// the way of a test that is about one request.
package objecttest

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bucket is the one that a server has.
const Bucket = "state"

// Server is an S3 server with one bucket. Its fields may be changed between requests.
type Server struct {
	URL string

	mu         sync.Mutex
	Overwrites bool // it does not keep to If-None-Match
	Forgets    bool // it keeps no metadata
	PageSize   int  // of lists; 0: 1000
	objects    map[string]*object
	uploads    map[string]*upload
	requests   map[string]int
}

// Change changes what the server does, while it serves.
func (s *Server) Change(f func(*Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

type object struct {
	body []byte
	meta http.Header
	made time.Time
}

type upload struct {
	key   string
	parts map[int][]byte
}

// Start starts a server, until the test ends, and sets credentials that it does not look at.
func Start(t testing.TB) *Server {
	s := &Server{objects: map[string]*object{}, uploads: map[string]*upload{}, requests: map[string]int{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	if t, ok := t.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("AWS_ACCESS_KEY_ID", "test")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	}
	return s
}

// State is the URL of a state store on the server.
func (s *Server) State(prefix string) string {
	return "s3://" + Bucket + "/" + prefix + "?region=us-east-1&endpoint=" + url.QueryEscape(s.URL)
}

// Requests returns how many requests of each kind were answered, by "PUT", "GET", "LIST", "DELETE", "POST", and forgets them.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.requests
	s.requests = map[string]int{}
	return is
}

// Keys returns the keys of all objects, sorted.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys("")
}

// Object returns an object's bytes; nil: there is none.
func (s *Server) Object(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[key]; o != nil {
		return o.body
	}
	return nil
}

// Put sets an object's bytes, behind everyone's back; nil removes it.
func (s *Server) Put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if body == nil {
		delete(s.objects, key)
		return
	}
	s.objects[key] = &object{body: body, made: time.Now()}
}

func (s *Server) keys(prefix string) (keys []string) {
	for k := range s.objects {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	kind, q := r.Method, r.URL.Query()
	if kind == http.MethodGet && key == "" {
		kind = "LIST"
	}
	s.requests[kind]++
	switch {
	case bucket != Bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case kind == "LIST":
		s.list(w, q)
	case kind == http.MethodPost && q.Has("uploads"):
		id := strconv.Itoa(len(s.uploads) + 1)
		s.uploads[id] = &upload{key, map[int][]byte{}}
		answer(w, struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadID string   `xml:"UploadId"`
		}{UploadID: id})
	case kind == http.MethodPost:
		s.complete(w, r, key, q.Get("uploadId"))
	case kind == http.MethodPut && q.Has("partNumber"):
		n, _ := strconv.Atoi(q.Get("partNumber"))
		s.uploads[q.Get("uploadId")].parts[n] = body
		w.Header().Set("ETag", tag(body))
	case kind == http.MethodPut:
		s.make(w, r, key, body)
	case kind == http.MethodGet:
		s.get(w, r, key)
	case kind == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *Server) make(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	if r.Header.Get("If-None-Match") == "*" && s.objects[key] != nil && !s.Overwrites {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	o := &object{body: body, meta: http.Header{}, made: time.Now()}
	for k, v := range r.Header {
		if strings.HasPrefix(k, "X-Amz-Meta-") && !s.Forgets {
			o.meta[k] = v
		}
	}
	s.objects[key] = o
	w.Header().Set("ETag", tag(body))
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	u := s.uploads[id]
	if u == nil {
		refuse(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	var numbers []int
	for n := range u.parts {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var body []byte
	for _, n := range numbers {
		body = append(body, u.parts[n]...)
	}
	delete(s.uploads, id)
	s.objects[key] = &object{body: body, meta: http.Header{}, made: time.Now()}
	answer(w, struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		ETag    string
	}{ETag: tag(body)})
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, key string) {
	o := s.objects[key]
	if o == nil {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	for k, v := range o.meta {
		w.Header()[k] = v
	}
	w.Header().Set("ETag", tag(o.body))
	from, to, status := 0, len(o.body), http.StatusOK
	if asked := r.Header.Get("Range"); asked != "" {
		last := 0
		if n, _ := fmt.Sscanf(asked, "bytes=%d-%d", &from, &last); n < 2 {
			last = len(o.body)
		}
		if from >= len(o.body) {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		to, status = min(last+1, len(o.body)), http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(o.body)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	w.Header().Set("Last-Modified", o.made.UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_, _ = w.Write(o.body[from:to])
}

type listed struct {
	Key          string
	Size         int
	LastModified string
}

type folder struct{ Prefix string }

func (s *Server) list(w http.ResponseWriter, q url.Values) {
	keys, under := s.keys(q.Get("prefix")), q.Get("delimiter")
	if under != "" {
		for i, k := range keys {
			if folder, _, ok := strings.Cut(strings.TrimPrefix(k, q.Get("prefix")), under); ok {
				keys[i] = q.Get("prefix") + folder + under
			}
		}
		keys = slices.Compact(keys)
	}
	if after := q.Get("continuation-token"); after != "" {
		i, _ := slices.BinarySearch(keys, after)
		keys = keys[i:]
	}
	size, next := cmp.Or(s.PageSize, 1000), ""
	if len(keys) > size {
		next, keys = keys[size], keys[:size]
	}
	var all []listed
	var folders []folder
	for _, k := range keys {
		if under != "" && strings.HasSuffix(k, under) {
			folders = append(folders, folder{k})
			continue
		}
		all = append(all, listed{k, len(s.objects[k].body), s.objects[k].made.UTC().Format("2006-01-02T15:04:05.000Z")})
	}
	answer(w, struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []listed
		CommonPrefixes        []folder
	}{IsTruncated: next != "", NextContinuationToken: next, Contents: all, CommonPrefixes: folders})
}

func tag(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: "as the test wants it"})
}
