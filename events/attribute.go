package events

import (
	"bytes"
	"slices"
)

// AddAttribute gives a CloudEvent in structured mode an attribute that it lacks, as its first member; the text is one without control characters. Where it
// has it, if only as null, it has it twice then, as its reader will say. false: it is no object.
func AddAttribute(value []byte, name, text string) ([]byte, bool) {
	open := bytes.IndexByte(value, '{')
	if open < 0 {
		return value, false
	}
	member := append([]byte(`"`+name+`":`), quote(text)...)
	if rest := bytes.TrimLeft(value[open+1:], " \t\r\n"); len(rest) > 0 && rest[0] != '}' {
		member = append(member, ',')
	}
	return slices.Concat(value[:open+1], member, value[open+1:]), true
}

func quote(text string) []byte {
	b := []byte{'"'}
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}
