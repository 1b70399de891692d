package verify

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headcount/verify/recount"
	"headcount/verify/report"
)

// extract is what an export for one account says of usage and invoices, as far as it is compared.
type extract struct {
	Kinds []string `json:"kinds"`
	Usage []struct {
		App   string `json:"app"`
		Kinds map[string]struct {
			Exact uint64 `json:"exact"`
		} `json:"kinds"`
		Meters []struct {
			Meter string `json:"meter"`
			Exact uint64 `json:"exact"`
		} `json:"meters"`
		Daily []struct {
			Day    string `json:"day"`
			Active uint64 `json:"active"`
			New    uint64 `json:"new"`
			Users  uint64 `json:"users"`
		} `json:"daily"`
		Digest string `json:"digest"`
	} `json:"usage"`
}

type extractInvoices struct {
	Invoices []struct {
		Account  string `json:"account"`
		Revision int    `json:"revision"`
		Total    string `json:"total"`
		Lines    []struct {
			App      string `json:"app"`
			Meter    string `json:"meter"`
			Quantity string `json:"quantity"`
			Amount   string `json:"amount"`
		} `json:"lines"`
	} `json:"invoices"`
}

// Account verifies an export for one account: the statement's signature, that the files are those it names, that the facts are those of the
// digests, that the usage counts them, and that the invoices bill the usage and add up. What the facts were counted from is the log's to
// say, and prices stand beside each line.
func Account(a *Archive, sealKey []byte) (*report.Report, error) {
	r := report.New(a.Month)
	err := a.verifyAccount(r, sealKey)
	r.OK = err == nil && len(r.Differences) == 0
	return r, err
}

func (a *Archive) verifyAccount(r *report.Report, sealKey []byte) error {
	a.addTo(r)
	text, err := a.read("statement.json", mostDocument)
	if err != nil {
		r.Wrong("statement", a.path, "statement.json", err.Error())
		return nil
	}
	key, err := recount.ReadPublicKey(sealKey)
	if err != nil {
		return fmt.Errorf("the seals' public key: %w", err)
	}
	s, sig, err := recount.OpenStatement(text)
	if err != nil {
		r.Wrong("statement", "statement.json", "a signed statement", err.Error())
		return nil
	}
	r.Same("statement", sig.By(key), true, "statement.json, signed by the seal key")
	r.Same("statement", s.Month, a.Month, "statement.json, month")
	r.Same("statement", s.Account, a.Account, "statement.json, account")
	for name := range a.entries {
		if _, named := s.Documents[name]; !named && !slices.Contains([]string{"manifest.json", "statement.json", "seal.pub"}, name) {
			r.Wrong("statement", name, "no such file", "one")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Documents)) {
		sum, err := a.sum(name)
		if err != nil {
			sum = err.Error()
		}
		r.Same("statement", sum, s.Documents[name], "%s", name)
	}
	var x extract
	if text, err = a.read("usage.json", mostDocument); err == nil {
		err = json.Unmarshal(text, &x)
	}
	if err != nil {
		r.Wrong("usage", "usage.json", "usage", err.Error())
		return nil
	}
	apps := map[string]string{}
	for i := range x.Usage {
		u := &x.Usage[i]
		apps[u.App] = u.Digest
		if err := a.recountApp(r, &x, i); err != nil {
			r.Wrong("facts", fmt.Sprintf("facts/%d.facts (%s)", i+1, u.App), "facts", err.Error())
		}
	}
	r.Same("statement", maps.Equal(apps, s.Usage), true, "usage.json has the apps and digests of the statement")
	return a.recountInvoices(r, &x)
}

func (a *Archive) sum(name string) (string, error) {
	at, ok := a.entries[name]
	if !ok {
		return "", errors.New("is missing")
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(a.file, at.offset, at.size)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// login is the kind of users; all others are of devices.
const login = "login"

// recountApp reads an app's facts, which are what its digest is of: a line, month and app; devices in order of fingerprints, each with its
// kinds and their days; totals.
func (a *Archive) recountApp(r *report.Report, x *extract, i int) error {
	u := x.Usage[i]
	name := fmt.Sprintf("facts/%d.facts", i+1)
	at, ok := a.entries[name]
	if !ok {
		return errors.New("the file is missing")
	}
	h := sha256.New()
	in := bufio.NewReader(io.TeeReader(io.NewSectionReader(a.file, at.offset, at.size), h))
	head := "headcount usage 1\n" + a.Month + string(binary.LittleEndian.AppendUint16(nil, uint16(len(u.App)))) + u.App
	begin := make([]byte, len(head))
	if _, err := io.ReadFull(in, begin); err != nil {
		return err
	}
	if string(begin) != head {
		return fmt.Errorf("they begin with %.80q, not with those of %s", begin, u.App)
	}
	kinds := make([]uint64, len(x.Kinds))
	var active, fresh, users [32]uint64
	var before, print [16]byte
	for n := 0; ; n++ {
		more, err := in.ReadByte()
		if err != nil {
			return err
		}
		if more == 0 {
			break
		}
		var set [2]byte
		if _, err := io.ReadFull(in, print[:]); err != nil {
			return err
		}
		if _, err := io.ReadFull(in, set[:]); err != nil {
			return err
		}
		if n > 0 && string(print[:]) <= string(before[:]) {
			return errors.New("devices are not in order, or one is there twice")
		}
		before = print
		var days, userDays uint32
		for of := binary.LittleEndian.Uint16(set[:]); of != 0; of &= of - 1 {
			k := bits.TrailingZeros16(of)
			var b [4]byte
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return err
			}
			if k >= len(kinds) {
				return fmt.Errorf("kind %d has no name", k)
			}
			kinds[k]++
			if x.Kinds[k] == login {
				userDays |= binary.LittleEndian.Uint32(b[:])
			} else {
				days |= binary.LittleEndian.Uint32(b[:])
			}
		}
		for d := range 32 {
			active[d] += uint64(days >> d & 1)
			users[d] += uint64(userDays >> d & 1)
		}
		if days != 0 {
			fresh[bits.TrailingZeros32(days)]++
		}
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // totals of quantities
		return err
	}
	r.Same("facts", "sha256:"+hex.EncodeToString(h.Sum(nil)), u.Digest, "%s, digest", u.App)
	for k, kind := range x.Kinds {
		r.Same("usage", u.Kinds[kind].Exact, kinds[k], "%s, kind %s", u.App, kind)
	}
	for _, day := range u.Daily {
		d := 0
		if _, err := fmt.Sscanf(strings.TrimPrefix(day.Day, a.Month+"-"), "%d", &d); err != nil || d < 1 || d > 31 {
			return fmt.Errorf("usage.json has a day %q", day.Day)
		}
		r.Same("usage", fmt.Sprint(day.Active, day.New, day.Users), fmt.Sprint(active[d], fresh[d], users[d]), "%s, %s: active, new, users", u.App, day.Day)
	}
	return nil
}

// recountInvoices holds invoices against the usage, and adds them up.
func (a *Archive) recountInvoices(r *report.Report, x *extract) error {
	var v extractInvoices
	text, err := a.read("invoices.json", mostDocument)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		r.Wrong("invoices", "invoices.json", "invoices", err.Error())
		return nil
	}
	exact := map[[2]string]string{}
	for _, u := range x.Usage {
		for _, m := range u.Meters {
			exact[[2]string{u.App, m.Meter}] = fmt.Sprint(m.Exact)
		}
	}
	for _, i := range v.Invoices {
		place := fmt.Sprintf("invoice of %s, revision %d", i.Account, i.Revision)
		r.Same("invoices", i.Account, a.Account, "%s, account", place)
		sum := new(big.Rat)
		for _, l := range i.Lines {
			amount, ok := new(big.Rat).SetString(l.Amount)
			if !ok {
				r.Wrong("invoices", place, "an amount", l.Amount)
				continue
			}
			sum.Add(sum, amount)
			if want, counted := exact[[2]string{l.App, l.Meter}]; i.Revision == 1 && counted && l.Quantity != "0" {
				r.Same("invoices", l.Quantity, want, "%s: %s of %s", place, l.Meter, l.App)
			}
		}
		total, ok := new(big.Rat).SetString(i.Total)
		r.Same("invoices", ok && total.Cmp(sum) == 0, true, "%s: its total %s is the sum of its lines", place, i.Total)
	}
	return nil
}
