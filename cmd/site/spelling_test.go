package site_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"headcount/cmd/site"
	"headcount/events/stream"
)

// A preflight says what its remedies are called.
func TestRemediesAreSpelled(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	remedies := func(topic string) map[string]string {
		t.Helper()
		log, err := stream.Dial(t.Context(), stream.Config{Brokers: c.ListenAddrs(), Topic: topic, Group: "g"})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		all := map[string]string{}
		for _, f := range (&site.Connection{Log: log}).Check(t.Context()) {
			all[f.Check] = f.Remedy
		}
		return all
	}
	if got := remedies("t")["dead letters"]; got != "create it (`ingest init`)" {
		t.Errorf("without a dead-letter topic: %q", got)
	}
	if got := remedies("none")["topic"]; got != "create it (`ingest init`)" {
		t.Errorf("without the topic: %q", got)
	}
	log, err := stream.Dial(t.Context(), stream.Config{Brokers: c.ListenAddrs(), Topic: "t", RequestTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.Close()
	found := (&site.Connection{Log: log}).Check(t.Context())
	if got := found[0].Remedy; got != "start the brokers, or name others (kafka.brokers)" {
		t.Errorf("without a broker: %q", got)
	}
}
