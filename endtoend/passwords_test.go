package endtoend

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// everyCommand is a line for each command of both programs, by its name; TestPasswordsAreNeverPrinted holds that none is left out.
var everyCommand = map[string][][]string{
	"ingest": {
		{"init"}, {"check"}, {"check", "--json"}, {"load", "events.ndjson"}, {"run", "--until-end"}, {"recount", "--month", "2025-03"}, {"broker"}, {"version"},
		{"report", "--reporter", "r", "--app", "one", "--meter", "storage", "--month", "2025-03", "--value", "1"},
		{"collect", "--listen", "0.0.0.0:0"}, {"dead", "list"}, {"dead", "show"}, {"dead", "replay", "--dry-run"}, {"key", "list"}, {"key", "create", "--app", "one", "--name", "n"}, {"key", "rotate", "n"}, {"key", "revoke", "n"},
	},
	"rollup": {
		{"status", "--month", "2025-03"}, {"months"}, {"close", "--month", "2025-03", "--timeout", "1s"}, {"close", "--due", "--timeout", "1s", "--json"}, {"usage", "--month", "2025-03"},
		{"invoices", "--month", "2025-03", "--html", "p.html"}, {"verify", "--month", "2025-03"}, {"verify", "--from-sealed", "--month", "2025-03"},
		{"explain", "--month", "2025-03", "--app", "one", "--guid", "device-1"}, {"export", "--month", "2025-03"},
		{"release", "--month", "2025-03", "--account", "a", "--reason", "r"}, {"amend", "--month", "2025-03", "--accounts", "accounts.yaml", "--reason", "r"},
		{"compare", "--months", "2025-03", "--plan", "tcmpp/pro"}, {"rate", "--usage", "nowhere.json", "--plan", "tcmpp/pro"}, {"plans"}, {"plans", "show", "tcmpp"},
		{"subscription", "--account", "a"}, {"bill-day", "--date", "2025-03-05"}, {"ledger", "prepare"}, {"ledger", "copy", "sqlite://nowhere.db"}, {"version"},
	},
}

// TestPasswordsAreNeverPrinted runs every command against dependencies that take the password, refuse it, are not there or are named
// wrongly, and looks for it in all that is printed and in every file that is made.
func TestPasswordsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs hundreds of commands")
	}
	onEmbedded(t)
	covered(t)
	const password = "Hun7er#2/x@y"
	secrets := []string{password, url.QueryEscape(password), url.PathEscape(password), "Hun7er", hex.EncodeToString([]byte(password))}
	sasl, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "u", password), kfake.Superuser("PLAIN", "u", password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sasl.Close)
	refusing := refusingPostgres(t)
	at := func(host, more string) string {
		return fmt.Sprintf("%q", "postgres://u:"+url.QueryEscape(password)+"@"+host+"/d?connect_timeout=1"+more)
	}
	kafka := func(addr, how string) string {
		return fmt.Sprintf("{brokers: [%q], topic: t, group: \"\", sasl: {mechanism: %s}}", addr, how)
	}
	byFile := "SCRAM-SHA-512, user: u, password_file: kafka.password"
	cases := map[string]map[string]string{
		"a ledger that refuses":       {"ledger": at(refusing, "&sslmode=disable")},
		"a ledger that wants no TLS":  {"ledger": at(refusing, "&sslmode=require")},
		"no ledger":                   {"ledger": at("127.0.0.1:1", "")},
		"no such host":                {"ledger": at("nowhere.invalid", "")},
		"an unknown parameter":        {"ledger": at(refusing, "&sslmode=maybe")},
		"a password as a parameter":   {"ledger": fmt.Sprintf("%q", "postgres://"+refusing+"/d?user=u&connect_timeout=1&password="+url.QueryEscape(password))},
		"a password without escapes":  {"ledger": fmt.Sprintf("%q", "postgres://u:"+password+"@"+refusing+"/d")},
		"a password with a percent":   {"ledger": fmt.Sprintf("%q", "postgres://u:Hun7er%zz@"+refusing+"/d")},
		"another database":            {"ledger": fmt.Sprintf("%q", "mysql://u:"+password+"@h/d")},
		"a ledger's file":             {"ledger": fmt.Sprintf("%q", "postgres://u@"+refusing+"/d?connect_timeout=1&sslmode=disable"), "ledger_password_file": "ledger.password"},
		"a state store with one":      {"state": fmt.Sprintf("%q", "s3://u:"+password+"@b?secret_access_key="+url.QueryEscape(password))},
		"brokers that take it":        {"kafka": kafka(sasl.ListenAddrs()[0], byFile), "ledger": at(refusing, "&sslmode=disable")},
		"brokers that take it, PLAIN": {"kafka": kafka(sasl.ListenAddrs()[0], "PLAIN, user: u, password_file: kafka.password")},
		"brokers that refuse it":      {"kafka": kafka(sasl.ListenAddrs()[0], "SCRAM-SHA-512, user: w, password_file: kafka.password")},
		"no brokers":                  {"kafka": kafka("127.0.0.1:1", byFile)},
		"a password in the file":      {"kafka": kafka("127.0.0.1:1", byFile+", password: \""+password+"\"")},
		"brokers with a password":     {"kafka": fmt.Sprintf("{brokers: [%q], topic: t}", "u:"+password+"@127.0.0.1:1")},
	}
	if base := os.Getenv("HEADCOUNT_POSTGRES"); base != "" {
		u := schemaOf(t, base, "passwords")
		u.User = url.UserPassword(u.User.Username(), password) // the server trusts
		cases["a ledger that takes it"] = map[string]string{"ledger": fmt.Sprintf("%q", u)}
	}
	for name, fields := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bareSite(t, oneAccount, fields)
			if err := os.WriteFile(s.path("kafka.password"), []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path("ledger.password"), []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s.file("events.ndjson", []record{event("miniprogram.open", "one", "device-1", "2025-03-05T10:00:00Z")})
			for program, lines := range everyCommand {
				for _, line := range lines {
					p := s.start(append([]string{program}, line...)...)
					if fields["kafka"] != "" { // all at once: each waits for brokers
						continue
					}
					s.waitFor("a command to be up, or to end", func() bool { return line[0] == "broker" && p.up() || !p.running() })
					if p.running() {
						p.terminate()
					}
				}
			}
			said := 0
			for _, p := range s.processes {
				r := p.wait()
				said += len(r.stdout) + len(r.stderr)
				for _, secret := range secrets {
					if strings.Contains(r.stdout+r.stderr, secret) {
						t.Errorf("%s prints %q:\n%s\n%s", r.line, secret, cut(r.stdout), cut(r.stderr))
					}
				}
			}
			if said < 3000 {
				t.Errorf("%d bytes were printed: too few to say anything", said)
			}
		})
	}
}

// covered fails for a command that everyCommand does not have.
func covered(t *testing.T) {
	t.Helper()
	s := &site{T: t, dir: t.TempDir()}
	for program, lines := range everyCommand {
		var have []string
		for _, l := range lines {
			have = append(have, l[0])
		}
		listed := " " + strings.Join(have, " ") + " completion help "
		for _, m := range regexp.MustCompile(`(?m)^([a-z-]+)\t`).FindAllStringSubmatch(s.run(program, "__complete", "").stdout, -1) {
			if !strings.Contains(listed, " "+m[1]+" ") {
				t.Errorf("%s %s: not in everyCommand", program, m[1])
			}
		}
	}
}

// refusingPostgres is a server that asks for a password as it is, and has the user refused with it in its hands.
func refusingPostgres(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go refuse(c)
		}
	}()
	return l.Addr().String()
}

func refuse(c net.Conn) {
	defer c.Close()
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		return
	}
	if n == 8 { // for TLS, which it has not
		_, _ = c.Write([]byte("N"))
		if _, err = c.Read(b); err != nil {
			return
		}
	}
	_, _ = c.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // a password in clear text, please
	if _, err = c.Read(b); err != nil {
		return
	}
	text := "SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed\x00\x00"
	_, _ = c.Write(append([]byte{'E', 0, 0, 0, byte(4 + len(text))}, text...))
}
