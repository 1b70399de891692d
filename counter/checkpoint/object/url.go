package object

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"headcount/counter/checkpoint"
	"headcount/internal/secret"
)

// dial opens a bucket of a kind of store.
type dial struct {
	options []string // of its URL
	open    func(ctx context.Context, bucket string, options url.Values, c Config) (objects, error)
}

// schemes are the stores that this program was built with.
var schemes = map[string]dial{}

// Is says whether a URL is of an object store, whether or not this program can open it.
func Is(stateURL string) bool {
	scheme, _, _ := strings.Cut(stateURL, "://")
	return scheme == "s3" || scheme == "gs" || scheme == "azblob"
}

// Open opens the store at a URL: SCHEME://BUCKET/PREFIX?OPTION=VALUE. It asks nothing of it.
func Open(ctx context.Context, stateURL string, c Config) (*Store, error) {
	shown := secret.Redact(stateURL)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("state store %q: %w", shown, fmt.Errorf(format, args...))
	}
	u, err := url.Parse(stateURL)
	if err != nil {
		return nil, bad("it is no URL: write SCHEME://BUCKET/PREFIX")
	}
	how, ok := schemes[u.Scheme]
	switch {
	case !ok && u.Scheme == "gs":
		return nil, bad("this program was built without Google Cloud Storage: build it with the tag gcs (`make build TAGS=gcs`)")
	case !ok:
		return nil, bad("scheme %q is not supported", u.Scheme)
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, bad("want %s://BUCKET/PREFIX, without user, password or #: credentials are found where the store's own tools find them", u.Scheme)
	}
	options := u.Query()
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if !slices.Contains(how.options, name) || len(options[name]) != 1 {
			return nil, bad("option %q: want each of these at most once: %s", name, strings.Join(how.options, ", "))
		}
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if err := checkpoint.CheckName(prefix); err != nil {
			return nil, bad("prefix: %w", err)
		}
		prefix += "/"
	}
	o, err := how.open(ctx, u.Host, options, c)
	if err != nil {
		return nil, bad("%w", err)
	}
	return &Store{objects: o, url: u.Scheme + "://" + u.Host + "/" + prefix, prefix: prefix, config: c}, nil
}

// portable are stores that all is asked of through gocloud.dev/blob.
type portable struct {
	b      *blob.Bucket
	absent func(error) bool // says of a NotFound that the object is not there, and not the bucket
}

func (p *portable) bucket() *blob.Bucket { return p.b }
