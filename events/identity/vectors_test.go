package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"strings"
	"testing"
)

var writeGolden = flag.Bool("golden", false, "write testdata/vectors.json where it is missing; what is there stays for ever")

const vectorsFile = "testdata/vectors.json"

// vector is an example of every step from an id to its fingerprint, and from that to what a sketch is fed. Bytes are in hex.
type vector struct {
	Key         string `json:"key"` // the GUID key
	KeyID       string `json:"key_id"`
	App         string `json:"app"`
	Kind        string `json:"kind"` // device or user: what the type of the event says
	ID          string `json:"id"`   // as sent
	Population  string `json:"population"`
	X           string `json:"x"`
	T           string `json:"t"`
	Fingerprint string `json:"fingerprint"`
	Month       string `json:"month"`
	Salt        string `json:"salt"`
	SketchHash  string `json:"sketch_hash"` // a number of 64 bits, big endian
}

type vectors struct {
	About   []string `json:"about"`
	Pi      string   `json:"pi_key"` // of π, AES-128
	Vectors []vector `json:"vectors"`
}

var aboutVectors = []string{
	"Fingerprints fp1 and sketch salts sk1 of Headcount, for implementations in any language. || joins bytes, 0 is a zero byte, all text is UTF-8, all bytes are in hex.",
	"pi_key = SHA-256('headcount fp1')[0:16]; pi(b) = AES-128-ECB(pi_key, b), one block.",
	"key_id = SHA-256('headcount guid key' || 0 || key)[0:8].",
	"White space of ASCII around an id is no part of it: it is taken off first.",
	"A device's id that reads as a UUID (32 hex digits of any case, plain or hyphenated 8-4-4-4-12, optionally in braces or after 'urn:uuid:' of any case) is of population 'uuid', and x is its 16 bytes. Any other device's id is of population 'opaque', every user's id of population 'user', and x = SHA-256(population || 0 || id)[0:16].",
	"t = HMAC-SHA-256(key, 'fp1' || 0 || population || 0 || app)[0:16].",
	"fingerprint = pi(x XOR t) XOR x XOR t.",
	"salt = HMAC-SHA-256(key, 'sk1' || 0 || app || 0 || month)[0:16].",
	"sketch_hash: a, b are the first and the last 8 bytes of the fingerprint as little-endian numbers, c, d those of the salt; p = (a XOR c) * (b XOR d), of 128 bits; sketch_hash = floor(p / 2^64) XOR (p mod 2^64). A sketch of precision P takes its register from the P highest bits, and raises it to one more than the zeros that follow.",
}

// naive makes a vector by the words above, with nothing of the product.
func naive(t *testing.T, key, app, kind, id, month string) vector {
	t.Helper()
	sha := func(words ...string) []byte {
		sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
		return sum[:]
	}
	keyBytes, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(words ...string) []byte {
		h := hmac.New(sha256.New, keyBytes)
		h.Write([]byte(strings.Join(words, "\x00")))
		return h.Sum(nil)[:16]
	}
	xor := func(a, b []byte) []byte {
		c := bytes.Clone(a)
		for i := range c {
			c[i] ^= b[i]
		}
		return c
	}
	var population string
	var x []byte
	bare := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(id), "{"), "}"), "urn:uuid:")
	plain := strings.ReplaceAll(bare, "-", "")
	if u, err := hex.DecodeString(plain); kind == "device" && err == nil && len(u) == 16 {
		population, x = "uuid", u
	} else {
		population = map[string]string{"device": "opaque", "user": "user"}[kind]
		x = sha(population, id)[:16]
	}
	secret := mac("fp1", population, app)
	block, err := aes.NewCipher(sha("headcount fp1")[:16])
	if err != nil {
		t.Fatal(err)
	}
	in := xor(x, secret)
	out := make([]byte, 16)
	block.Encrypt(out, in)
	f := xor(out, in)
	salt := mac("sk1", app, month)
	number := func(b []byte) *big.Int { // little-endian
		n := new(big.Int)
		for i := len(b) - 1; i >= 0; i-- {
			n.Add(n.Lsh(n, 8), big.NewInt(int64(b[i])))
		}
		return n
	}
	masked := xor(f, salt)
	p := new(big.Int).Mul(number(masked[:8]), number(masked[8:]))
	low := new(big.Int).Mod(p, new(big.Int).Lsh(big.NewInt(1), 64))
	hash := new(big.Int).Xor(new(big.Int).Rsh(p, 64), low)
	return vector{
		Key: key, KeyID: hex.EncodeToString(sha("headcount guid key", string(keyBytes))[:8]), App: app, Kind: kind, ID: id, Population: population,
		X: hex.EncodeToString(x), T: hex.EncodeToString(secret), Fingerprint: hex.EncodeToString(f), Month: month,
		Salt: hex.EncodeToString(salt), SketchHash: hex.EncodeToString(hash.FillBytes(make([]byte, 8))),
	}
}

func makeVectors(t *testing.T) vectors {
	pi := sha256.Sum256([]byte("headcount fp1"))
	all := vectors{About: aboutVectors, Pi: hex.EncodeToString(pi[:16])}
	const first, second = "0102030405060708090a0b0c0d0e0f10", "fedcba98765432100123456789abcdef"
	for _, c := range [][5]string{
		{first, "app-001", "device", fixedGUID, "2026-10"},
		{first, "app-001", "device", "{6F1C2F0E-7E5C-4B7E-9B1F-1F0E2D3C4B5A}", "2026-10"},
		{first, "app-001", "device", "URN:uuid:6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5A", "2026-11"},
		{first, "app-002", "device", fixedGUID, "2026-10"},
		{second, "app-001", "device", fixedGUID, "2026-10"},
		{first, "app-001", "user", fixedGUID, "2026-10"},
		{first, "app-001", "device", "device-0123456789", "2026-10"},
		{first, "app-001", "user", "device-0123456789", "2026-10"},
		{first, "app-001", "device", "f5cb4fb8c6f0cd1ba5c0d26d0aa8a4b", "2026-10"},
		{first, "小程序 é", "device", "ключ", "0000-01"},
		{first, "小程序 é", "user", strings.Repeat("u", MaxGUIDBytes), "9999-12"},
		{first, "a", "device", "x", "2026-10"},
		// A UUID of the bytes that stand for user device-0123456789: of another fingerprint than his.
		{first, "app-001", "device", naive(t, first, "app-001", "user", "device-0123456789", "2026-10").X, "2026-10"},
	} {
		all.Vectors = append(all.Vectors, naive(t, c[0], c[1], c[2], c[3], c[4]))
	}
	return all
}

// TestVectors holds the product against the file of examples, and that against what made it: values of the first release, for ever, since
// state at rest is made of them.
func TestVectors(t *testing.T) {
	today, err := json.MarshalIndent(makeVectors(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	today = append(today, '\n')
	file, err := os.ReadFile(vectorsFile)
	if os.IsNotExist(err) && *writeGolden {
		file, err = today, os.WriteFile(vectorsFile, today, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, today) {
		t.Errorf("%s is not what the words in it say: it never changes", vectorsFile)
	}
	var all vectors
	if err := json.Unmarshal(file, &all); err != nil || len(all.Vectors) < 10 {
		t.Fatal(err, len(all.Vectors))
	}
	for _, v := range all.Vectors {
		key, err := ParseKeyring([]byte(v.Key))
		if err != nil {
			t.Fatal(err)
		}
		k := key.Newest()
		a, s := k.App(v.App), k.Salt(v.App, v.Month)
		var id ID
		var eight [8]byte
		read, print := new(IDs).Device, a.Device
		if v.Kind == "user" {
			read, print = new(IDs).User, a.User
		}
		if !read(&id, []byte(v.ID)) {
			t.Errorf("%q is no id", v.ID)
		}
		f, ok := print([]byte(v.ID))
		got := vector{
			Key: v.Key, KeyID: k.ID(), App: v.App, Kind: v.Kind, ID: v.ID, Population: id.Population.String(), X: hex.EncodeToString(id.Bytes[:]),
			T: hex.EncodeToString(a.secrets[id.Population][:]), Fingerprint: f.String(), Month: v.Month,
			Salt: hex.EncodeToString(s[:]), SketchHash: hex.EncodeToString(new(big.Int).SetUint64(s.Hash(&f)).FillBytes(eight[:])),
		}
		if !ok || got != v {
			t.Errorf("got\n%+v, want\n%+v", got, v)
		}
	}
}
