package reprice

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
)

// atOnce is how long accounts may be that are read as one document: the parser's time and memory grow with it.
const atOnce = 64 << 10

// readAccounts reads accounts as a closing keeps them: YAML, which of a folder or a table has an account a line, as JSON.
func readAccounts(text []byte) ([]*account, error) {
	elements := elementsOf(text)
	if len(text) <= atOnce || elements == nil {
		var file struct{ Accounts []*account }
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		return file.Accounts, nil
	}
	var all []*account
	for _, e := range elements {
		if line, ok := bytes.CutPrefix(bytes.TrimSpace(e), []byte("- {\"")); ok {
			a := &account{}
			object := append([]byte("{\""), line...)
			if json.Unmarshal(object, a, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)) == nil {
				all = append(all, a)
				continue
			}
		}
		var one []*account
		if err := yaml.Unmarshal(e, &one); err != nil {
			return nil, fmt.Errorf("accounts: %w, in %.100q", err, e)
		}
		if len(one) != 1 {
			return nil, fmt.Errorf("accounts: %d elements in %.100q", len(one), e)
		}
		all = append(all, one[0])
	}
	return all, nil
}

// elementsOf cuts a list at the dashes of its column; nil where the document is not a list under accounts and nothing else.
func elementsOf(text []byte) (elements [][]byte) {
	column := -1
	headed := false
	for line := range bytes.Lines(text) {
		body := bytes.TrimLeft(line, " ")
		in := len(line) - len(body)
		switch body = bytes.TrimRight(body, " \r\n"); {
		case len(body) == 0 || body[0] == '#':
			if column >= 0 {
				break
			}
			continue
		case !headed:
			if in > 0 || string(body) != "accounts:" {
				return nil
			}
			headed = true
			continue
		case bytes.HasPrefix(body, []byte("- ")) && (column < 0 || in == column):
			column = in
			elements = append(elements, nil)
		case column < 0 || in <= column:
			return nil
		}
		last := &elements[len(elements)-1]
		*last = append(*last, line...)
	}
	return elements
}
