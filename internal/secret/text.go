package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Hidden is what stands in the place of a secret.
const Hidden = "(hidden)"

// Text is a password, or the like, that no way of printing shows: not the verbs of fmt, not a struct that has one in it, not slog, JSON or
// YAML. Only Reveal does. The zero Text is none.
type Text struct{ text *string } // a pointer: what prints fields by reflection, and knows no method of theirs, finds an address

// NewText makes a Text; of "", the zero one.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the secret itself, for whoever asks for a password.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// String is Hidden, or empty where there is no secret.
func (t Text) String() string {
	if t.text == nil {
		return ""
	}
	return Hidden
}

func (t Text) GoString() string              { return t.String() }
func (t Text) Format(to fmt.State, _ rune)   { _, _ = io.WriteString(to, t.String()) }
func (t Text) MarshalText() ([]byte, error)  { return []byte(t.String()), nil }
func (t Text) LogValue() slog.Value          { return slog.StringValue(t.String()) }
func (t *Text) UnmarshalText(b []byte) error { *t = NewText(string(b)); return nil }

// URL is the address of a store, which may have a password in it: it prints as Redact writes it. Only Reveal shows the whole.
type URL struct{ whole Text }

// NewURL makes a URL of any text.
func NewURL(s string) URL { return URL{NewText(s)} }

// Reveal returns the whole URL, for whoever opens it.
func (u URL) Reveal() string { return u.whole.Reveal() }

// Hides says whether something in it is not shown.
func (u URL) Hides() bool { return u.String() != u.Reveal() }

// String is the URL without what is secret.
func (u URL) String() string { return Redact(u.Reveal()) }

func (u URL) GoString() string              { return u.String() }
func (u URL) Format(to fmt.State, _ rune)   { _, _ = io.WriteString(to, u.String()) }
func (u URL) MarshalText() ([]byte, error)  { return []byte(u.String()), nil }
func (u URL) LogValue() slog.Value          { return slog.StringValue(u.String()) }
func (u *URL) UnmarshalText(b []byte) error { *u = NewURL(string(b)); return nil }

// secretive are parts of parameters' names that hold a secret: password, sslpassword, secret_access_key, sas_token …
var secretive = []string{"pass", "secret", "token", "sig", "key", "credential"}

// Redact writes a URL without its secrets: what stands between the user's name and the last @, and the values of parameters whose
// name speaks of one. It does not ask whether the text is a URL that others would take: where a password has a / or # in it that should be
// escaped, more is hidden than need be. Of what is no URL it shows nothing that could hold one.
func Redact(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		if strings.ContainsAny(s, "@:= ") {
			return Hidden
		}
		return s
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if colon := strings.IndexByte(rest[:at], ':'); colon >= 0 {
			rest = rest[:colon+1] + Hidden + rest[at:]
		}
	}
	path, query, has := strings.Cut(rest, "?")
	if !has {
		return scheme + "://" + rest
	}
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		if value != "" && holds(name) {
			parameters[i] = name + "=" + Hidden
		}
	}
	return scheme + "://" + path + "?" + strings.Join(parameters, "&")
}

// holds says whether a parameter of that name has a secret for its value. A name that is written in escapes is taken for one.
func holds(name string) bool {
	name = strings.ToLower(name)
	for _, part := range secretive {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.Contains(name, "%")
}
