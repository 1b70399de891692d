package checkpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"headcount/internal/secret"
)

// Open opens the state store at a URL. file://data/state is the relative folder data/state, file:///var/lib/headcount the
// absolute one; both are taken literally, without percent-decoding. The folder is made when the first file is.
func Open(_ context.Context, url string) (Bucket, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil, fmt.Errorf("state store %q: want a URL such as file://data/state", secret.Redact(url))
	}
	if scheme != "file" {
		return nil, fmt.Errorf("state store %q: scheme %q is not supported; use file://FOLDER or s3://BUCKET/PREFIX", secret.Redact(url), scheme)
	}
	if strings.ContainsAny(rest, "?#") {
		return nil, fmt.Errorf("state store %q: file:// takes no options; remove what follows ? or #", secret.Redact(url))
	}
	b, err := OpenDirectory(rest)
	if err != nil {
		return nil, fmt.Errorf("state store %q: %w", secret.Redact(url), err)
	}
	return b, nil
}

// OpenDirectory opens the bucket in a folder.
func OpenDirectory(folder string) (Bucket, error) {
	if folder == "" {
		return nil, errors.New("the folder is empty: name one, such as data/state")
	}
	return openDirectory(hostDisk{}, folder, rand.Text)
}
