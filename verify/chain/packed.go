package chain

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// packedBegin is how a cell begins whose document is packed: then come its length as a varint, and DEFLATE. Any other cell is its
// document.
const packedBegin = "\x00packed1"

// longestDocument is how long a packed document may be.
const longestDocument = 1 << 30

// document returns what a cell that may be packed has.
func document(cell []byte) ([]byte, error) {
	if !bytes.HasPrefix(cell, []byte(packedBegin)) {
		return cell, nil
	}
	in := bufio.NewReader(bytes.NewReader(cell[len(packedBegin):]))
	length, err := binary.ReadUvarint(in)
	if err != nil || length > longestDocument {
		return nil, errors.New("a packed document without a length that can be")
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(in), longestDocument+1))
	if err != nil {
		return nil, fmt.Errorf("a packed document: %w", err)
	}
	if _, err := in.ReadByte(); uint64(len(text)) != length || err != io.EOF {
		return nil, fmt.Errorf("a packed document of %d bytes that says it has %d", len(text), length)
	}
	return text, nil
}
