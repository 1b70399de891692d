package identity

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultPlaceholders are ids that SDKs send where they have none: all devices that do would be one.
var DefaultPlaceholders = []string{
	"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
	"undefined", "null", "(null)", "none", "nil", "unknown", "anonymous", "0", "-1",
}

// Placeholders are ids that are none: of GUIDs and of user ids alike, compared without case. One that reads as a UUID is met in every
// spelling. The zero value has none.
type Placeholders struct {
	uuids   map[[16]byte]bool
	texts   map[string]bool
	longest int  // of texts, bytes
	others  bool // there are UUIDs that begin otherwise than with eight equal bytes 00 or ff
}

// NewPlaceholders returns those of a list. An error names what can be no id.
func NewPlaceholders(list []string) (*Placeholders, error) {
	p := &Placeholders{uuids: map[[16]byte]bool{}, texts: map[string]bool{}}
	for _, text := range list {
		var u [16]byte
		switch {
		case text == "" || len(text) > MaxGUIDBytes || !utf8.ValidString(text) || string(Trim([]byte(text))) != text || strings.ContainsFunc(text, unicode.IsControl):
			return nil, fmt.Errorf("%q is not 1–%d bytes of UTF-8 without control characters and without white space around it", text, MaxGUIDBytes)
		case parseUUID(&u, []byte(text)):
			p.uuids[u] = true
			p.others = p.others || !uniform(&u)
		default:
			text = strings.ToLower(text)
			p.texts[text] = true
			p.longest = max(p.longest, len(text))
		}
	}
	return p, nil
}

// uniform says whether a UUID begins with eight bytes 00 or ff: other than that no UUID does that was made as they are made.
func uniform(u *[16]byte) bool {
	first := u[0]
	return (first == 0 || first == 0xff) && !slices.ContainsFunc(u[:8], func(b byte) bool { return b != first })
}

// Has says whether id, read from text, is a placeholder.
func (p *Placeholders) Has(id *ID, text []byte) bool {
	u := &id.Bytes
	if id.Population == UUID {
		return (p.others || u[0] == u[7] && uniform(u)) && p.uuids[*u]
	}
	var user [16]byte
	if id.Population == User && parseUUID(&user, text) {
		return p.uuids[user]
	}
	// Lower-case letters may have more bytes, or fewer, than the letters they belong to; three times as many at most.
	return len(text) <= 3*p.longest && p.texts[strings.ToLower(string(text))]
}

// Trim returns an id without the ASCII white space around it, which is no part of it.
func Trim(id []byte) []byte {
	if len(id) == 0 || id[0] > ' ' && id[len(id)-1] > ' ' {
		return id
	}
	return trim(id)
}

func trim(id []byte) []byte {
	for len(id) > 0 && isSpace(id[0]) {
		id = id[1:]
	}
	for len(id) > 0 && isSpace(id[len(id)-1]) {
		id = id[:len(id)-1]
	}
	return id
}

func isSpace(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' }
