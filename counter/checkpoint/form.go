package checkpoint

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"strconv"
)

// form is a document's JSON while it is written or read. One description of a content serves both, so that nothing is read but what
// would be written: members in their order, none left out, no space, numbers and strings in one form.
type form struct {
	b       []byte // written; or left to read
	reading bool
	version int    // of the document
	err     error  // the first; from then on nothing is read
	spare   []byte // of text
}

// described is the content of a document.
type described interface{ describe(f *form) }

var errForm = errors.New("the content is not in the form that is written")

func (f *form) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// next takes s where it comes next.
func (f *form) next(s string) bool {
	if f.err != nil || len(f.b) < len(s) || string(f.b[:len(s)]) != s {
		return false
	}
	f.b = f.b[len(s):]
	return true
}

// literal is what stands before and between values.
func (f *form) literal(s string) {
	if !f.reading {
		f.b = append(f.b, s...)
	} else if !f.next(s) {
		f.fail(errForm)
	}
}

type integer interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

func number[T integer](f *form, before string, p *T) {
	f.literal(before)
	if !f.reading {
		f.b = appendNumber(f.b, *p)
		return
	}
	n, v := 0, T(0)
	for ; n < len(f.b) && '0' <= f.b[n] && f.b[n] <= '9' || n == 0 && len(f.b) > 0 && f.b[0] == '-'; n++ {
		if f.b[n] != '-' {
			v = 10*v + T(f.b[n]-'0')
		}
	}
	if n > 0 && f.b[0] == '-' {
		v = -v
	}
	var again [20]byte
	if f.err != nil || string(appendNumber(again[:0], v)) != string(f.b[:n]) { // what is beyond the range of T comes out as another
		f.fail(errForm)
		return
	}
	*p, f.b = v, f.b[n:]
}

func appendNumber[T integer](b []byte, v T) []byte {
	if v < 0 {
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendUint(b, uint64(v), 10)
}

func (f *form) string(before string, p *string) {
	f.literal(before)
	if f.reading {
		*p = string(f.quoted())
	} else {
		f.b = appendQuoted(f.b, *p)
	}
}

// text is a value that is written as a string.
func (f *form) text(before string, p interface {
	encoding.TextAppender
	encoding.TextUnmarshaler
}) {
	f.literal(before)
	var is []byte
	if f.reading {
		if is = f.quoted(); f.err != nil {
			return
		}
		if f.err = p.UnmarshalText(is); f.err != nil {
			return
		}
	}
	var err error
	if f.spare, err = p.AppendText(f.spare[:0]); err != nil {
		f.fail(err)
	}
	if !f.reading {
		f.b = appendQuoted(f.b, f.spare)
	} else if !bytes.Equal(f.spare, is) {
		f.fail(errForm)
	}
}

func list[T any](f *form, before string, p *[]T, one func(*T, *form)) {
	f.literal(before)
	f.literal("[")
	if f.reading {
		*p = []T{}
	}
	for n := 0; f.reading && f.err == nil && !bytes.HasPrefix(f.b, []byte("]")) || !f.reading && n < len(*p); n++ {
		if n > 0 {
			f.literal(",")
		}
		if f.reading {
			*p = append(*p, *new(T))
		}
		one(&(*p)[n], f)
	}
	f.literal("]")
}

// quoted takes a string; it may alias what is read.
func (f *form) quoted() []byte {
	if f.err == nil && len(f.b) > 0 && f.b[0] == '"' {
		end := 1 + plainText(f.b[1:])
		if end < len(f.b) && f.b[end] == '"' {
			s := f.b[1:end]
			f.b = f.b[end+1:]
			return s
		}
		for end < len(f.b) && f.b[end] != '"' {
			if f.b[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if end < len(f.b) && json.Unmarshal(f.b[:end+1], &s) == nil && f.next(string(appendQuoted(nil, s))) {
			return []byte(s)
		}
	}
	f.fail(errForm)
	return nil
}

func appendQuoted[S string | []byte](b []byte, s S) []byte {
	if plainText(s) == len(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := json.Marshal(string(s)) // a string always can be
	return append(b, quoted...)
}

// plainText returns how many bytes s begins with that stand for themselves in a string of JSON, as encoding/json writes it.
func plainText[S string | []byte](s S) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return i
		}
	}
	return len(s)
}
