//go:build gcs

package object

import (
	"context"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
)

func init() { schemes["gs"] = dial{nil, openGCS} }

// openGCS opens a bucket; credentials are found as Google's SDK finds them.
func openGCS(ctx context.Context, bucket string, _ url.Values, _ Config) (objects, error) {
	u := url.URL{Scheme: gcsblob.Scheme, Host: bucket}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, err
	}
	return &portable{b: b, absent: func(err error) bool { return !strings.Contains(err.Error(), "bucket does not exist") }}, nil
}
