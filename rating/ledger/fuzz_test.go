package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// FuzzInvoice: a document that is accepted can be released, and differs then in its status and the note alone.
func FuzzInvoice(f *testing.F) {
	f.Add(fmt.Appendf(nil, heldInvoice, "2026-10", 1))
	f.Add(fmt.Appendf(nil, finalInvoice, "2026-10", 1))
	f.Add([]byte(`{"status":"held","Status":"held","status":"final"}`))
	f.Add([]byte(` { "account":"a","month":"2026-10","revision":1,"plan":"p","currency":"USD","total":"1","reason":"r","x":{"status":1},"status" : "held" } `))
	f.Fuzz(func(t *testing.T, document []byte) {
		v, err := NewInvoice(document)
		if err != nil {
			return
		}
		if !bytes.Equal(v.Document, document) {
			t.Fatal("the document is not kept as it is")
		}
		if v.Status != Held {
			return
		}
		v.Release = &Act{Reason: "r <&> \u2028", By: "b", At: time.Unix(0, 0)}
		v.Number = &Number{Number: "INV-1", Issued: "2026-11-02"}
		if err := v.stand(); err != nil {
			t.Fatalf("release: %v", err)
		}
		after := v.Document
		var was, is map[string]json.RawMessage
		if err := json.Unmarshal(document, &was); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(after, &is); err != nil {
			t.Fatalf("released: %v: %s", err, after)
		}
		if string(is["status"]) != `"final"` || len(is["released"]) == 0 || string(is["number"]) != `"INV-1"` || len(is) != len(was)+3 {
			t.Errorf("released: %s", after)
		}
		for name, value := range was {
			if name != "status" && !bytes.Equal(is[name], value) {
				t.Errorf("%s changed: %s", name, after)
			}
		}
	})
}

// FuzzRecord: no payload makes the decoder or what follows from it panic, and what is decoded encodes to the same record.
func FuzzRecord(f *testing.F) {
	kinds := []string{"ledger", "closing", "usage", "invoice", "result", "message", "sent", "release", "amendment", "other"}
	for i := range kinds {
		f.Add(i, `{}`)
	}
	f.Add(1, `{"seal_id":"s","partitions":[0,1],"previous":{"month":"2026-09","partitions":[0]},"accounts":"sha256:","books":{"a":"sha256:","b":""}}`)
	f.Add(2, `{"app":"a","account":null,"digest":"d","document":"sha256:"}`)
	f.Fuzz(func(t *testing.T, kind int, payload string) {
		r, err := decodeRecord(kinds[uint(kind)%uint(len(kinds))], payload)
		if err != nil {
			return
		}
		for _, c := range r.covered() {
			*c.data = []byte("{}")
		}
		r.rows("2026-10")
		first, err := jsonText(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeRecord(r.kind(), first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := jsonText(again); err != nil || second != first {
			t.Errorf("%v: %s became %s", err, first, second)
		}
	})
}
