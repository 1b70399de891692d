package signed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"headcount/events"
	"headcount/internal/canonical"
)

func fixedSealKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// goldenRecord compares with the file kept for a version of a signed record.
func goldenRecord(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile("testdata/golden/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func testSeal() *Seal {
	return &Seal{
		Cluster: "MkU3OEVBNTcwNTJENDM2Qg", TopicID: "0b6f6e5c-3a55-4a3a-8a57-6d2f5d2b9a11", Partition: 2, Month: events.MonthOf(2026, 10),
		SealID: "01JC2V3M", RulesHash: "sha256:ab", Partitions: []events.Partition{0, 1, 2, 3},
		Previous: &PreviousClosing{Month: events.MonthOf(2026, 9), Partitions: []events.Partition{0, 1}},
	}
}

func TestSeal(t *testing.T) {
	key := fixedSealKey()
	want := testSeal()
	value := want.Sign(key)
	goldenRecord(t, "seal-1.json", value)
	got, sig, err := ParseSeal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := sig.Verify(key.Public().(ed25519.PublicKey)); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if err := sig.Verify(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify with another key: %v", err)
	}
	if err := sig.Verify(nil); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify with no key: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Hash() != want.Hash() || !strings.HasPrefix(got.Hash(), "sha256:") {
		t.Errorf("hash %s, want %s", got.Hash(), want.Hash())
	}
	if !got.Previous.Has(1) || got.Previous.Has(2) {
		t.Error("Previous.Has is wrong")
	}
	first := testSeal()
	first.Previous = nil
	if got, sig, err := ParseSeal(first.Sign(key)); err != nil || got.Previous != nil || sig.Verify(key.Public().(ed25519.PublicKey)) != nil {
		t.Errorf("the first seal: %v, %v", got, err)
	}
}

// TestSealAnyChange: no byte of a seal can be changed and have it still valid.
func TestSealAnyChange(t *testing.T) {
	key := fixedSealKey()
	public := key.Public().(ed25519.PublicKey)
	value := testSeal().Sign(key)
	valid := func(v []byte) bool {
		_, sig, err := ParseSeal(v)
		return err == nil && sig.Verify(public) == nil
	}
	if !valid(value) {
		t.Fatal("the seal itself is not valid")
	}
	for i := range value {
		for c := range byte(128) {
			if changed := bytes.Clone(value); c != value[i] {
				changed[i] = c
				if valid(changed) {
					t.Errorf("byte %d changed from %q to %q: still valid", i, value[i], c)
				}
			}
		}
		if valid(append(bytes.Clone(value[:i]), value[i+1:]...)) || valid(append(append(bytes.Clone(value[:i]), ' '), value[i:]...)) {
			t.Errorf("byte %d taken out, or a space put in: still valid", i)
		}
	}
	for _, v := range []string{"", "{}", "null", string(value) + " ", string(value) + "\n", string(value[:len(value)-1]) + `,"x":1}`, strings.Replace(string(value), "specversion", "specVersion", 1)} {
		if valid([]byte(v)) {
			t.Errorf("%q is valid", v)
		}
	}
}

// TestSealFieldsAreSigned: each field is under the signature.
func TestSealFieldsAreSigned(t *testing.T) {
	key := fixedSealKey()
	base := testSeal()
	base.Sign(key) // fills in the version
	for _, change := range []func(*Seal){
		func(s *Seal) { s.Cluster += "x" }, func(s *Seal) { s.TopicID += "x" }, func(s *Seal) { s.Partition = 1 },
		func(s *Seal) { s.Month++ }, func(s *Seal) { s.SealID += "x" }, func(s *Seal) { s.RulesHash += "x" },
		func(s *Seal) { s.Partitions = []events.Partition{0, 1, 2} }, func(s *Seal) { s.Previous = nil },
		func(s *Seal) { s.Previous.Month-- }, func(s *Seal) { s.Previous.Partitions = []events.Partition{0} }, func(s *Seal) { s.Version = 2 },
	} {
		s := testSeal()
		s.Version = SealVersion
		change(s)
		if s.Hash() == base.Hash() {
			t.Errorf("a change does not reach the hash: %+v", s)
		}
	}
}

func TestSealsThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*Seal){
		"no cluster":                     func(s *Seal) { s.Cluster = "" },
		"no id":                          func(s *Seal) { s.SealID = "" },
		"not of its own list":            func(s *Seal) { s.Partition = 9 },
		"partitions out of order":        func(s *Seal) { s.Partitions = []events.Partition{2, 0} },
		"a partition twice":              func(s *Seal) { s.Partitions = []events.Partition{0, 2, 2} },
		"negative partition":             func(s *Seal) { s.Partitions = []events.Partition{-1, 2} },
		"no partitions":                  func(s *Seal) { s.Partitions = nil },
		"previous is the same month":     func(s *Seal) { s.Previous.Month = s.Month },
		"previous list out of order":     func(s *Seal) { s.Previous.Partitions = []events.Partition{1, 0} },
		"month 0, which stands for none": func(s *Seal) { s.Month = 0; s.Previous = nil },
		"a version to come":              func(s *Seal) { s.Version = 2 },
	} {
		s := testSeal()
		change(s)
		if _, _, err := ParseSeal(s.Sign(fixedSealKey())); err == nil {
			t.Errorf("%s: parses", name)
		}
	}
	if _, _, err := parseClosed(testSeal().Sign(fixedSealKey())); err == nil {
		t.Error("a seal parses as a closed record")
	}
}

// parseClosed reads a closed record and its signature: the product writes them for others to read.
func parseClosed(value []byte) (*Closed, *Signature, error) {
	c, sig, err := parseSigned(value, ClosedType, ClosedVersion, func(c *Closed) (string, int) { return c.SealID, c.Version })
	if err != nil {
		return nil, nil, err
	}
	if c.Cluster == "" || c.TopicID == "" || c.SealID == "" {
		return nil, nil, errors.New("closed record: cluster, topic_id or seal_id is empty")
	}
	if c.Usage != nil && (len(c.Usage) != c.Apps || canonical.Hash(canonical.MustMarshal(c.Usage)) != c.UsageHash) {
		return nil, nil, errors.New("closed record: usage does not have the hash it names")
	}
	return c, sig, nil
}

func TestClosed(t *testing.T) {
	key := fixedSealKey()
	c := &Closed{Cluster: "c", TopicID: "t", Month: events.MonthOf(2026, 10), SealID: "01JC2V3M", LedgerHead: "sha256:aa", Invoices: "sha256:bb"}
	c.SetUsage(map[string]string{"app-002": "sha256:02", "app-001": "sha256:01"})
	value := c.Sign(key)
	goldenRecord(t, "closed-1.json", value)
	got, sig, err := parseClosed(value)
	if err != nil || sig.Verify(key.Public().(ed25519.PublicKey)) != nil {
		t.Fatalf("parseClosed: %v", err)
	}
	if got.Hash() != c.Hash() || got.Usage["app-002"] != "sha256:02" || got.Apps != 2 {
		t.Errorf("got %+v", got)
	}
	got.Usage["app-002"] = "sha256:03"
	if _, _, err := parseClosed(got.Sign(key)); err == nil {
		t.Error("usage that does not have its hash parses")
	}

	many := map[string]string{}
	for i := range 20_000 {
		many[fmt.Sprintf("app-%d", i)] = "sha256:" + strings.Repeat("0", 64)
	}
	c.SetUsage(many)
	value = c.Sign(key)
	if got, _, err := parseClosed(value); err != nil || got.Usage != nil || got.Apps != len(many) || len(value) > 1<<20 {
		t.Errorf("%d apps: %d bytes, %v", len(many), len(value), err)
	}
	c.SetUsage(nil)
	if got, _, err := parseClosed(c.Sign(key)); err != nil || got.Apps != 0 {
		t.Errorf("no apps: %v", err)
	}
}

// FuzzParseSeal: nothing makes it panic, and what parses is canonical.
func FuzzParseSeal(f *testing.F) {
	f.Add(testSeal().Sign(fixedSealKey()))
	f.Fuzz(func(t *testing.T, value []byte) {
		s, sig, err := ParseSeal(value)
		if err != nil {
			return
		}
		if !json.Valid(value) || !bytes.Contains(value, canonical.MustMarshal(*s)) || len(sig.sig) != ed25519.SignatureSize {
			t.Errorf("%q parses", value)
		}
	})
}

func TestSealKeyFiles(t *testing.T) {
	dir := t.TempDir()
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	privatePath, publicPath := filepath.Join(dir, "seal.key"), filepath.Join(dir, "seal.pub")
	if _, err := LoadSealKey(privatePath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing private key: %v", err)
	}
	if _, err := LoadSealPublicKey(publicPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing public key: %v", err)
	}
	write := func(path string, data []byte, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, mode)
	}
	write(privatePath, private, 0o600)
	write(publicPath, public, 0o644)
	key, err := LoadSealKey(privatePath)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := LoadSealPublicKey(publicPath)
	if err != nil || !pub.Equal(key.Public()) {
		t.Fatalf("the pair does not belong together: %v", err)
	}
	if again, err := MarshalPublicKey(key.Public().(ed25519.PublicKey)); err != nil || !bytes.Equal(again, public) {
		t.Errorf("public key written anew differs: %v", err)
	}
	write(privatePath, private, 0o644)
	if _, err := LoadSealKey(privatePath); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	const rsa = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n-----END PRIVATE KEY-----\n" // X25519
	for name, data := range map[string]string{"public": string(public), "two": string(private) + string(private), "none": "x", "other": rsa, "cut": "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"} {
		write(privatePath, []byte(data), 0o600)
		if _, err := LoadSealKey(privatePath); err == nil || !strings.Contains(err.Error(), privatePath) {
			t.Errorf("%s for a private key: %v", name, err)
		}
	}
	for name, data := range map[string]string{"private": string(private), "two": string(public) + string(public), "none": ""} {
		if _, err := ParseSealPublicKey([]byte(data)); err == nil {
			t.Errorf("%s for a public key parses", name)
		}
	}
}
