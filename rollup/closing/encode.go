package closing

import (
	"bytes"
	"encoding/json"
	"fmt"

	"headcount/rollup/usage"
)

// marshal is the one JSON text of what a close stores.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// marshalUsage returns the text of a usage document, and those of its apps, which it is put together from: most of it is theirs.
func marshalUsage(doc *usage.Document) (whole json.RawMessage, apps []json.RawMessage, err error) {
	for _, a := range doc.Usage {
		text, err := marshal(a)
		if err != nil {
			return nil, nil, err
		}
		apps = append(apps, text)
	}
	frame := *doc
	frame.Usage = []usage.App{}
	text, err := marshal(frame)
	if err != nil {
		return nil, nil, err
	}
	// In a string the quotes would have a backslash before them.
	before, after, _ := bytes.Cut(text, []byte(`"usage":[]`))
	whole = append(before[:len(before):len(before)], `"usage":[`...)
	for i, text := range apps {
		if i > 0 {
			whole = append(whole, ',')
		}
		whole = append(whole, text...)
	}
	return append(append(whole, ']'), after...), apps, nil
}
