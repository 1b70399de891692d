package decode

import (
	"testing"

	"headcount/events"
	"headcount/events/signed"
)

// TestOurOwnRecords wants of records that close a month what they are, whatever else they say.
func TestOurOwnRecords(t *testing.T) {
	d, _ := newTestDecoder(t, nil)
	seal := &signed.Seal{
		Cluster: "MkU3OEVBNTcwNTJENDM2Qg", TopicID: "0b6f6e5c-3a55-4a3a-8a57-6d2f5d2b9a11", Partition: 2, Month: events.MonthOf(2026, 10),
		SealID: "01JC2V3M", RulesHash: "sha256:ab", Partitions: []events.Partition{0, 1, 2, 3},
	}
	closed := &signed.Closed{Cluster: seal.Cluster, TopicID: seal.TopicID, Month: seal.Month, SealID: seal.SealID}
	closed.SetUsage(map[string]string{"app-001": "sha256:cd"})
	for want, value := range map[string][]byte{
		"control headcount.seal": seal.Sign(testSealKey()), "control headcount.closed": closed.Sign(testSealKey()),
	} {
		if got := verdict(decode(t, d, record(t, string(value)))); got != want {
			t.Errorf("the decoder says %s, want %s", got, want)
		}
	}
}
