package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"headcount/events"
)

// A record batch, format 2, begins with
//
//	 0  base offset          int64   set by the broker, outside the CRC
//	 8  length               int32   of what follows
//	12  leader epoch         int32   set by the broker, outside the CRC
//	16  magic                int8    2
//	17  CRC-32C              uint32  of all that follows
//	21  attributes           int16   codec 0–2, LogAppendTime 3, transactional 4, control 5
//	23  last offset delta    int32
//	27  first timestamp      int64
//	35  max timestamp        int64
//	43  producer id          int64
//	51  producer epoch       int16
//	53  base sequence        int32
//	57  records              int32
//	61  the records, compressed together
const (
	HeaderSize  = 61 // where the records begin
	prefixSize  = 17 // up to and with the magic: the same in all formats
	lengthStart = 12
	crcStart    = 21

	codecMask        = 0x07
	logAppendTimeBit = 1 << 3
	transactionalBit = 1 << 4
	controlBit       = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is what a batch says of itself.
type Header struct {
	Base       events.Offset // offset of the first record that was written into it
	Size       int           // of the whole batch, in bytes
	Epoch      int32         // of the leader that wrote it
	CRC        uint32        // of all from the attributes on
	Attributes int16
	LastDelta  int32 // from Base to the last offset, also where compaction took that record out
	FirstTime  int64 // milliseconds since 1970: what records' times count from
	MaxTime    int64 // milliseconds since 1970; with LogAppendTime, when the broker took it
	Producer   int64 // id; −1: none
	Count      int32 // of records
}

// Next is the offset after the batch, also where compaction emptied it.
func (h *Header) Next() events.Offset { return h.Base + events.Offset(h.LastDelta) + 1 }

// BrokersTime says that the records have the time at which the broker took them, not their producers'.
func (h *Header) BrokersTime() bool { return h.Attributes&logAppendTimeBit != 0 }

// Control says whether the batch holds the mark that ends a transaction, and no records.
func (h *Header) Control() bool { return h.Attributes&controlBit != 0 }

// Codec is how the records are compressed.
func (h *Header) Codec() Codec { return Codec(h.Attributes & codecMask) }

// ErrPartial says that the bytes end within a batch: the broker cut there, at the size that was asked for.
var ErrPartial = errors.New("batch ends early")

// ReadHeader reads the header of the batch that b begins with, without checking its CRC. A header whose lengths and offsets make
// no sense is an error other than ErrPartial.
func ReadHeader(b []byte, h *Header) error {
	if len(b) < prefixSize {
		return ErrPartial
	}
	length := int(int32(binary.BigEndian.Uint32(b[8:])))
	h.Base = events.Offset(binary.BigEndian.Uint64(b))
	if h.Base < 0 {
		return fmt.Errorf("base offset %d is negative", h.Base)
	}
	switch magic := int8(b[16]); magic {
	case 2:
	case 0, 1:
		return &UnreadableError{fmt.Sprintf("message format %d, which brokers before Kafka 0.11 wrote: it has no checksum worth the name; only format 2 is read", magic),
			"copy the topic into a new one"}
	default:
		return fmt.Errorf("message format %d is not known; only format 2 is read", magic)
	}
	if length < HeaderSize-lengthStart {
		return fmt.Errorf("length %d is less than a header", length)
	}
	h.Size = lengthStart + length
	if len(b) < h.Size {
		return ErrPartial
	}
	h.Epoch = int32(binary.BigEndian.Uint32(b[12:]))
	h.CRC = binary.BigEndian.Uint32(b[17:])
	h.Attributes = int16(binary.BigEndian.Uint16(b[21:]))
	h.LastDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.FirstTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.MaxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.Producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.Count = int32(binary.BigEndian.Uint32(b[57:]))
	if h.LastDelta < 0 || h.Next() < 0 {
		return fmt.Errorf("last offset delta %d is out of range", h.LastDelta)
	}
	return nil
}

// checkCount says whether the batch has an offset for each of its records. That is its producer's to say, under the CRC.
func (h *Header) checkCount() error {
	if h.Count < 0 || int64(h.Count) > int64(h.LastDelta)+1 {
		return fmt.Errorf("%d records in %d offsets", h.Count, int64(h.LastDelta)+1)
	}
	return nil
}

// CheckCRC compares the batch, which b holds wholly, with its checksum.
func (h *Header) CheckCRC(b []byte) error {
	if got := castagnoliSum(b[crcStart:h.Size]); got != h.CRC {
		return fmt.Errorf("checksum %08x, but the batch says %08x", got, h.CRC)
	}
	return nil
}
