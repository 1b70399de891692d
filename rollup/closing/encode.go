package closing

import (
	"bytes"
	"encoding/json"

	"headcount/internal/canonical"
	"headcount/rollup/usage"
)

// marshalUsage returns the text of a usage document, and those of its apps, which it is put together from: most of it is theirs.
func marshalUsage(doc *usage.Document) (whole json.RawMessage, apps []json.RawMessage, err error) {
	for _, a := range doc.Usage {
		text, err := canonical.Marshal(a)
		if err != nil {
			return nil, nil, err
		}
		apps = append(apps, text)
	}
	frame := *doc
	frame.Usage = []usage.App{}
	text, err := canonical.Marshal(frame)
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
