package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
)

// TestNothingPrintsASecret goes through every way of printing, for the value itself and for what it stands in, also where no method of
// its own is called.
func TestNothingPrintsASecret(t *testing.T) {
	const password = "hunter2"
	type outer struct {
		Text   Text
		URL    URL
		Nested *struct{ T []Text }
		hidden Text
		inside URL
		byName map[string]Text
	}
	text, url := NewText(password), NewURL("postgres://u:hunter2@h/d?sslpassword=hunter2")
	whole := outer{text, url, &struct{ T []Text }{[]Text{text}}, text, url, map[string]Text{"a": text}}
	printed := map[string]string{}
	for _, verb := range strings.Split("v +v #v s q x X d o b e t c U p T", " ") {
		for name, v := range map[string]any{"text": text, "pointer": &text, "URL": url, "in a struct": whole, "pointer to it": &whole, "list": []any{text, url}, "error": fmt.Errorf("a: %v %s", text, url)} {
			printed["%"+verb+" "+name] = fmt.Sprintf("%"+verb, v)
		}
	}
	printed["Print"] = fmt.Sprint(text, url, whole, &whole)
	for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": yaml.Marshal} {
		for _, v := range []any{text, &text, url, &url, map[string]any{"a": text, "b": url}, whole, &whole} {
			b, err := marshal(v)
			if err != nil {
				t.Errorf("%s of %T: %v", name, v, err)
			}
			printed[fmt.Sprintf("%s of %T", name, v)] = string(b)
		}
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).With("with", text).Info("said", "text", text, "url", url, "whole", whole, "pointer", &whole, slog.Group("g", "t", &text))
	}
	printed["slog"] = log.String()
	for way, got := range printed {
		if lower := strings.ToLower(got); strings.Contains(lower, password) || strings.Contains(lower, fmt.Sprintf("%x", password)) {
			t.Errorf("%s: %s", way, got)
		}
	}
	if text.Reveal() != password || !strings.Contains(url.Reveal(), password) || text.String() != Hidden || !strings.Contains(printed["%v URL"], "postgres://u:(hidden)@h/d") {
		t.Errorf("%q, %q, %s", text.Reveal(), url.Reveal(), printed["%v URL"])
	}
	if none := (Text{}); none.String() != "" || none.Reveal() != "" {
		t.Errorf("none is %q", none.String())
	}
}

func TestRedact(t *testing.T) {
	for whole, want := range map[string]string{
		"sqlite:///a/b.db":                              "sqlite:///a/b.db",
		"sqlite:///a/b.db?busy_timeout=3s":              "sqlite:///a/b.db?busy_timeout=3s",
		"file://data/state":                             "file://data/state",
		"postgres://u@h:5432/d?sslmode=verify-full":     "postgres://u@h:5432/d?sslmode=verify-full",
		"postgres://u:hunter2@h:5432/d":                 "postgres://u:(hidden)@h:5432/d",
		"postgres://u:hunter2@h,k:5433/d?sslmode=allow": "postgres://u:(hidden)@h,k:5433/d?sslmode=allow",
		"postgres://u@h/d?password=hunter2&a=b":         "postgres://u@h/d?password=(hidden)&a=b",
		"postgres://u@h/d?PassWord=hunter2":             "postgres://u@h/d?PassWord=(hidden)",
		"postgres://u@h/d?%70assword=hunter2":           "postgres://u@h/d?%70assword=(hidden)",
		"postgres://u@h/d?sslkey=k&sslpassword=hunter2": "postgres://u@h/d?sslkey=(hidden)&sslpassword=(hidden)",
		"s3://b?secret_access_key=hunter2&region=x":     "s3://b?secret_access_key=(hidden)&region=x",
		"s3://b?endpoint=http://u:hunter2@minio:9000":   "s3://b?endpoint=http:(hidden)@minio:9000",
		// Characters that should have been escaped.
		"postgres://u:hun#hunter2@h/d":   "postgres://u:(hidden)@h/d",
		"postgres://u:hun/hunter2@h/d":   "postgres://u:(hidden)@h/d",
		"postgres://u:hun?hunter2@h/d":   "postgres://u:(hidden)@h/d",
		"postgres://u:123/hunter2@h/d":   "postgres://u:(hidden)@h/d",
		"postgres://u:hun@hunter2@h/d":   "postgres://u:(hidden)@h/d",
		"postgres://u:%hunter2@h/d":      "postgres://u:(hidden)@h/d",
		"postgres:u:hunter2@h/d":         Hidden,
		"host=h user=u password=hunter2": Hidden,
		"data/ledger.db":                 "data/ledger.db",
		"":                               "",
	} {
		if got := Redact(whole); got != want || strings.Contains(got, "hunter2") {
			t.Errorf("%s is written %s, want %s", whole, got, want)
		}
		if u := NewURL(whole); u.Hides() != (want != whole) || u.Reveal() != whole {
			t.Errorf("%s: hides is %t", whole, u.Hides())
		}
	}
}
