package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

func init() { schemes["s3"] = dial{[]string{"region", "endpoint"}, openS3} }

// inS3 are the objects of an S3 bucket.
type inS3 struct {
	b      *blob.Bucket
	client *s3.Client
	name   string
}

// openS3 opens an S3 bucket. Region and credentials that the URL does not say are found as the AWS SDK finds them. An endpoint is that of
// another server, whose buckets are the first element of the path and not of the host.
func openS3(ctx context.Context, bucket string, options url.Values, c Config) (objects, error) {
	endpoint := options.Get("endpoint")
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout, t.MaxIdleConnsPerHost = request, mostIdle
		t.IdleConnTimeout = 50 * time.Second // servers close what is idle for a minute
	})
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client)}
	if region := options.Get("region"); region != "" {
		load = append(load, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if c.Transport != nil {
		cfg.HTTPClient = &http.Client{Transport: c.Transport}
	}
	if cfg.Region == "" && endpoint != "" {
		cfg.Region = "us-east-1" // such servers take any
	}
	if cfg.Region == "" {
		return nil, errors.New("the region is not known: add ?region=… or set AWS_REGION")
	}
	if endpoint != "" {
		if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("endpoint %q: want http://HOST:PORT or https://HOST", endpoint)
		}
		// Checksums that S3 has introduced are not understood by all; TLS and our own are there.
		cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	dial := func(r aws.Retryer) *s3.Client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.Retryer = r
			if endpoint != "" {
				o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true
			}
		})
	}
	// A part of what is large is sent again by itself. The SDK's quota, which all that a process asks for share, would end that too soon.
	parts := dial(retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 4, 2*time.Second, ratelimit.None
	}))
	b, err := s3blob.OpenBucket(ctx, parts, bucket, &s3blob.Options{RequestChecksumCalculation: cfg.RequestChecksumCalculation})
	if err != nil {
		return nil, err
	}
	return &inS3{b, dial(aws.NopRetryer{}), bucket}, nil // Store.try tries again
}

// mostIdle is how many connections are kept.
const mostIdle = 64

func (o *inS3) bucket() *blob.Bucket { return o.b }

// commit is one PutObject: s3blob would send what is large in parts, which some servers put together over another's object.
func (o *inS3) commit(ctx context.Context, key string, body []byte, nonce string) error {
	_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.name, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ContentType: aws.String(contentType),
		IfNoneMatch: aws.String("*"), Metadata: map[string]string{nonceKey: nonce},
	})
	return err
}

func (o *inS3) nonce(ctx context.Context, key string) (string, error) {
	// Not HeadObject: its answer does not say whether the object or the bucket is missing.
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.name, Key: &key, Range: aws.String("bytes=0-0")})
	if err != nil {
		return "", err
	}
	out.Body.Close()
	for k, v := range out.Metadata {
		if strings.EqualFold(k, nonceKey) {
			return v, nil
		}
	}
	return "", nil
}

// discard is one DeleteObject, where s3blob would first ask whether there is one.
func (o *inS3) discard(ctx context.Context, key string) error {
	_, err := o.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.name, Key: &key})
	return err
}

var refusals = []string{
	"NoSuchBucket", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "AccountProblem", "InvalidBucketName",
	"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
}

func (o *inS3) judge(err error) verdict {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch code := api.ErrorCode(); {
		case code == "NoSuchKey":
			return missing
		case code == "PreconditionFailed":
			return taken
		case slices.Contains(refusals, code):
			return refused
		}
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		switch answer.HTTPStatusCode() {
		case http.StatusPreconditionFailed:
			return taken
		case http.StatusForbidden, http.StatusUnauthorized, http.StatusMovedPermanently:
			return refused
		}
	}
	return transient
}
