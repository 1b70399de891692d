package month

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"
)

// Config says what month to make up.
type Config struct {
	Month      string         // 2026-10
	Zone       *time.Location // whose calendar month it is; nil: UTC
	Events     int            // records, odd ones included
	Devices    int            // installs to draw from; nearly all of them are seen where Events is several times as many
	Apps       int            // app-001, app-002 …
	Seed       uint64
	Logins     float64           // share of records that log a user in
	Components float64           // share of records that use a component
	Reported   float64           // share of records that are usage.reported quantities, signed by Reporters
	Odd        float64           // share of records that are odd; 0: a clean month, every record counts
	SealKey    ed25519.PublicKey // of the installation that the quantities are signed to
	Binary     float64           // share of the plain records in CloudEvents' binary mode: attributes in headers (no use in NDJSON)
}

// Default returns the month that the flags of endtoend/generate begin with.
func Default() Config {
	return Config{
		Month: "2026-10", Zone: time.UTC, Events: 1_000_000, Devices: 120_000, Apps: 20, Seed: 1,
		Logins: 0.04, Components: 0.03, Odd: 0.03,
	}
}

// Validate fills in the zone and says what cannot be made.
func (c *Config) Validate() error {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if _, err := time.Parse("2006-01", c.Month); err != nil {
		return fmt.Errorf("month %q: want the form 2026-10", c.Month)
	}
	if c.Reported > 0 && len(c.SealKey) != ed25519.PublicKeySize {
		return errors.New("reported: quantities are signed to an installation: give its seal public key")
	}
	for _, n := range []struct {
		name       string
		value, max int
	}{{"events", c.Events, 1 << 40}, {"devices", c.Devices, 1 << 36}, {"apps", c.Apps, 1 << 20}} {
		if n.value < 1 || n.value > n.max {
			return fmt.Errorf("%s %d: want 1 to %d", n.name, n.value, n.max)
		}
	}
	for _, s := range []struct {
		name  string
		value float64
	}{{"logins", c.Logins}, {"components", c.Components}, {"reported", c.Reported}, {"odd", c.Odd}, {"binary", c.Binary}} {
		if !(s.value >= 0 && s.value <= 1) {
			return fmt.Errorf("%s %v: want a share from 0 to 1", s.name, s.value)
		}
	}
	return nil
}
