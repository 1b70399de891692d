package object

import (
	"context"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

func (p *portable) commit(ctx context.Context, key string, body []byte, nonce string) error {
	return p.b.WriteAll(ctx, key, body, &blob.WriterOptions{
		ContentType: contentType, BufferSize: max(len(body)+1, rangeSize), IfNotExist: true, Metadata: map[string]string{nonceMetadata: nonce},
	})
}

func (p *portable) nonce(ctx context.Context, key string) (string, error) {
	a, err := p.b.Attributes(ctx, key)
	if err != nil {
		return "", err
	}
	return a.Metadata[nonceMetadata], nil
}

func (p *portable) discard(ctx context.Context, key string) error { return p.b.Delete(ctx, key) }

// nonceMetadata is nonceKey where names are words of programs.
const nonceMetadata = "headcount_nonce"

func (p *portable) judge(err error) verdict {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		if p.absent(err) {
			return missing
		}
		return refused
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return taken
	case gcerrors.PermissionDenied:
		return refused
	}
	return transient
}
