package ledger

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A long document lies packed in its cell: packedMark, the length of its content (uvarint), and the content in DEFLATE (RFC 1951).
// Digests, and so the chain, are of the content: how it is packed decides nothing. A cell without the mark is the content.
//
//	column                 packed where longer than
//	closings.accounts      leastPacked
//	amendments.document    leastPacked
const (
	packedMark  = "\x00packed1"
	leastPacked = 4 << 10
	mostPacked  = 1 << 30 // bytes of content
)

// packs says whether a column's documents may be packed.
func (t *table) packs(column string) bool {
	return t == closings && column == "accounts" || t == amendments && column == "document"
}

// pack returns the cell of a document. One that begins like a packed one is packed, however short.
func pack(content []byte) []byte {
	if len(content) < leastPacked && !bytes.HasPrefix(content, []byte(packedMark)) {
		return content
	}
	var b bytes.Buffer
	b.WriteString(packedMark)
	b.Write(binary.AppendUvarint(nil, uint64(len(content))))
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is one that there is
	}
	_, _ = w.Write(content) // to memory
	_ = w.Close()
	return b.Bytes()
}

var errPacked = errors.New("a packed document that cannot be unpacked")

// unpack returns the document of a cell.
func unpack(cell []byte) ([]byte, error) {
	text, is := bytes.CutPrefix(cell, []byte(packedMark))
	if !is {
		return cell, nil
	}
	size, n := binary.Uvarint(text)
	if n <= 0 || size > mostPacked {
		return nil, fmt.Errorf("%w: its length is damaged", errPacked)
	}
	in := bytes.NewReader(text[n:])
	var out bytes.Buffer
	out.Grow(int(min(size, 1000*uint64(len(text))))) // DEFLATE packs no better
	if _, err := io.Copy(&out, io.LimitReader(flate.NewReader(in), int64(size)+1)); err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	if uint64(out.Len()) != size || in.Len() > 0 {
		return nil, fmt.Errorf("%w: it is not as long as it says", errPacked)
	}
	return out.Bytes(), nil
}
