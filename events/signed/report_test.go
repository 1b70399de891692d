package signed

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"testing"
)

var goldenReports = flag.Bool("golden", false, "write testdata/reports.json anew")

// reportVectors is testdata/reports.json: what any implementation must come to, in any language.
type reportVectors struct {
	About      string         `json:"about"`
	SealKey    string         `json:"seal_key"`   // in the rules
	Seed       string         `json:"seed"`       // the reporter's private key, RFC 8032, hex
	PublicKey  string         `json:"public_key"` // base64
	Vectors    []reportVector `json:"vectors"`
	WrongSigns []reportVector `json:"wrong"` // whose signature is not of these members
}

type reportVector struct {
	Members   map[string]string `json:"members"`
	Message   string            `json:"message,omitempty"` // that is signed, hex
	Signature string            `json:"signature"`         // base64
}

func vectorReport(m map[string]string) *Report {
	return &Report{App: m["superapp"], Meter: m["meter"], Month: m["month"], Day: m["day"], Source: m["source"], Value: m["value"], Revision: m["revision"]}
}

// TestReportVectors holds signatures against the vectors in testdata, which verify/recount checks too.
func TestReportVectors(t *testing.T) {
	const file = "testdata/reports.json"
	if *goldenReports {
		writeReportVectors(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v reportVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	seed, err := hex.DecodeString(v.Seed)
	if err != nil || len(v.Vectors) < 5 || len(v.WrongSigns) < 3 {
		t.Fatalf("%d vectors, %d wrong, %v", len(v.Vectors), len(v.WrongSigns), err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	if got := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)); got != v.PublicKey {
		t.Errorf("public key %s", got)
	}
	for _, x := range v.Vectors {
		r := vectorReport(x.Members)
		if got := hex.EncodeToString(r.message(v.SealKey)); got != x.Message {
			t.Errorf("%v: message %s, want %s", x.Members, got, x.Message)
		}
		if got := base64.StdEncoding.EncodeToString(r.Sign(v.SealKey, key)); got != x.Signature {
			t.Errorf("%v: signature %s, want %s", x.Members, got, x.Signature)
		}
		signature, err := base64.StdEncoding.DecodeString(x.Signature)
		if err != nil || r.Verify(v.SealKey, key.Public().(ed25519.PublicKey), signature) != nil {
			t.Errorf("%v: does not verify, %v", x.Members, err)
		}
	}
	for _, x := range v.WrongSigns {
		signature, err := base64.StdEncoding.DecodeString(x.Signature)
		if err != nil || !errors.Is(vectorReport(x.Members).Verify(v.SealKey, key.Public().(ed25519.PublicKey), signature), ErrSignature) {
			t.Errorf("%v: verifies", x.Members)
		}
	}
}

func writeReportVectors(t *testing.T, file string) {
	t.Helper()
	var seed [ed25519.SeedSize]byte
	for i := range seed {
		seed[i] = byte(i)
	}
	key := ed25519.NewKeyFromSeed(seed[:])
	v := reportVectors{
		About:   "Signatures of usage.reported. The message is the members superapp, meter, month, day, source, value, revision, after headcount.usage.v1 and seal_key, each as its length (32 bits, big endian) and its UTF-8 bytes, an absent one of length 0. The signature is Ed25519 over it.",
		SealKey: base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)),
		Seed:    hex.EncodeToString(seed[:]), PublicKey: base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
	}
	plain := map[string]string{"superapp": "app-001", "meter": "gateway_calls", "month": "2026-10", "source": "gateway", "value": "4200"}
	but := func(change map[string]string) map[string]string {
		m := map[string]string{}
		for _, from := range []map[string]string{plain, change} {
			for name, value := range from {
				m[name] = value
			}
		}
		return m
	}
	for _, change := range []map[string]string{
		nil, {"day": "2026-10-03"}, {"day": "3"}, {"revision": "0"}, {"revision": "7"}, {"revision": "2147483647", "value": "9223372036854775807"},
		{"superapp": "приложение", "source": "网关", "value": "0"}, {"superapp": "app-001gateway", "meter": "_calls"},
	} {
		r := vectorReport(but(change))
		v.Vectors = append(v.Vectors, reportVector{but(change), hex.EncodeToString(r.message(v.SealKey)), base64.StdEncoding.EncodeToString(r.Sign(v.SealKey, key))})
	}
	for _, change := range []map[string]string{
		{"value": "42000"}, {"value": "04200"}, {"revision": "0"}, {"day": "2026-10-01"}, {"month": "2026-11"}, {"superapp": "app-001gateway", "meter": "_calls"}, {"source": "gatewax"},
	} {
		v.WrongSigns = append(v.WrongSigns, reportVector{Members: but(change), Signature: v.Vectors[0].Signature})
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReportEvent: what is sent is what was signed.
func TestReportEvent(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := Report{App: "a", Meter: "m", Month: "2026-10", Day: "2026-10-03", Source: "s", Value: "5", Revision: "2"}
	signature := r.Sign("seal", key)
	var got struct {
		Report
		Type      string `json:"type"`
		Revision  int    `json:"revision"`
		Signature []byte `json:"signature"`
	}
	if err := json.Unmarshal(r.Event(signature), &got); err != nil {
		t.Fatal(err)
	}
	got.Report.Revision = "2"
	if !reflect.DeepEqual(got.Report, r) || got.Revision != 2 || got.Type != "usage.reported" || !ed25519.Verify(key.Public().(ed25519.PublicKey), r.message("seal"), got.Signature) {
		t.Errorf("%+v", got)
	}
	r.Day, r.Revision = "", ""
	var members map[string]any
	if err := json.Unmarshal(r.Event(signature), &members); err != nil || members["day"] != nil || members["revision"] != nil {
		t.Errorf("%v, %v", members, err)
	}
}
