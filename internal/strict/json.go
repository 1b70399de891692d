package strict

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// AppendJSON appends a value as JSON in one line, which YAML reads as the same: fields in their order, text in quotes. The value has been
// read without an error; what is neither list, fields, text, whole number nor truth is null.
func (v Value) AppendJSON(b []byte) []byte { return v.node.appendJSON(b) }

func (x *node) appendJSON(b []byte) []byte {
	if x == nil {
		return append(b, "null"...)
	}
	switch x.kind {
	case textNode, blockNode:
		return appendText(b, x.text)
	case integerNode:
		if x.large {
			return append(b, x.written...)
		}
		return strconv.AppendInt(b, x.number, 10)
	case flagNode:
		return strconv.AppendBool(b, x.flag)
	case listNode:
		b = append(b, '[')
		for i, e := range x.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = e.appendJSON(b)
		}
		return append(b, ']')
	case fieldsNode:
		b = append(b, '{')
		for i := 0; i+1 < len(x.items); i += 2 {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendText(b, x.items[i].text), ": "...)
			b = x.items[i+1].appendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendText writes letters as they are.
func appendText(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		plain = plain && ' ' <= s[i] && s[i] < 0x7f && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		return append(append(append(b, '"'), s...), '"')
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text is always encoded
	return append(b, bytes.TrimRight(text.Bytes(), "\n")...)
}
