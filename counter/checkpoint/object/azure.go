package object

import (
	"context"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

func init() { schemes["azblob"] = dial{[]string{"storage_account"}, openAzure} }

// openAzure opens a container; the account is the URL's, or AZURE_STORAGE_ACCOUNT; credentials are found as Azure's SDK finds them.
func openAzure(ctx context.Context, container string, options url.Values, _ Config) (objects, error) {
	u := url.URL{Scheme: azureblob.Scheme, Host: container, RawQuery: options.Encode()}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, err
	}
	return &portable{b: b, absent: func(err error) bool { return !bloberror.HasCode(err, bloberror.ContainerNotFound) }}, nil
}
