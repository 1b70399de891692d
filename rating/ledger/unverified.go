package ledger

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Unverified says why what goes to and comes from a PostgreSQL ledger could be read on the way, or come from somebody else; empty: it
// could not, or the URL is of none. A server on this machine is reached without a network.
func Unverified(url string) string {
	if !strings.HasPrefix(url, "postgres") {
		return ""
	}
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return "" // Open says what is wrong
	}
	why := unverified(c.Host, c.TLSConfig)
	for _, f := range c.Fallbacks {
		if why == "" {
			why = unverified(f.Host, f.TLSConfig)
		}
	}
	return why
}

func unverified(host string, c *tls.Config) string {
	ip := net.ParseIP(host)
	switch {
	case host == "localhost", ip != nil && ip.IsLoopback(), strings.HasPrefix(host, "/"), strings.HasPrefix(host, "@"):
		return ""
	case c == nil:
		return fmt.Sprintf("the connection to %s may be plain: whoever is on the way reads the password and changes what is read (sslmode below verify-full)", host)
	case c.InsecureSkipVerify: // of verify-ca too, which asks for no name
		return fmt.Sprintf("%s is not asked to prove that it is the server: whoever is on the way may answer in its place (sslmode below verify-full)", host)
	}
	return ""
}
