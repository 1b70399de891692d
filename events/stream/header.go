package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
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
	headerSize  = 61
	prefixSize  = 17 // up to and with the magic: the same in all formats
	lengthStart = 12
	crcStart    = 21

	codecMask        = 0x07
	logAppendTimeBit = 1 << 3
	transactionalBit = 1 << 4
	controlBit       = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a batch says of itself.
type header struct {
	base       int64
	size       int // of the whole batch
	epoch      int32
	crc        uint32
	attributes int16
	lastDelta  int32
	firstTime  int64
	maxTime    int64
	producer   int64
	count      int32
}

// next is the offset after the batch, also where compaction emptied it.
func (h *header) next() int64 { return h.base + int64(h.lastDelta) + 1 }

func (h *header) control() bool { return h.attributes&controlBit != 0 }

func (h *header) codec() codec { return codec(h.attributes & codecMask) }

// errPartial says that the bytes end within a batch: the broker cut there, at the size that was asked for.
var errPartial = errors.New("batch ends early")

// readHeader reads the header of the batch that b begins with, without checking its CRC. A header whose lengths and offsets make
// no sense is an error other than errPartial.
func readHeader(b []byte, h *header) error {
	if len(b) < prefixSize {
		return errPartial
	}
	length := int(int32(binary.BigEndian.Uint32(b[8:])))
	h.base = int64(binary.BigEndian.Uint64(b))
	if h.base < 0 {
		return fmt.Errorf("base offset %d is negative", h.base)
	}
	switch magic := int8(b[16]); magic {
	case 2:
	case 0, 1:
		return &remediedError{fmt.Sprintf("message format %d, which brokers before Kafka 0.11 wrote: it has no checksum worth the name; only format 2 is read", magic),
			"copy the topic into a new one"}
	default:
		return fmt.Errorf("message format %d is not known; only format 2 is read", magic)
	}
	if length < headerSize-lengthStart {
		return fmt.Errorf("length %d is less than a header", length)
	}
	h.size = lengthStart + length
	if len(b) < h.size {
		return errPartial
	}
	h.epoch = int32(binary.BigEndian.Uint32(b[12:]))
	h.crc = binary.BigEndian.Uint32(b[17:])
	h.attributes = int16(binary.BigEndian.Uint16(b[21:]))
	h.lastDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.count = int32(binary.BigEndian.Uint32(b[57:]))
	if h.lastDelta < 0 || h.base+int64(h.lastDelta)+1 < 0 {
		return fmt.Errorf("last offset delta %d is out of range", h.lastDelta)
	}
	if h.count < 0 || int64(h.count) > int64(h.lastDelta)+1 {
		return fmt.Errorf("%d records in %d offsets", h.count, int64(h.lastDelta)+1)
	}
	return nil
}

// checkCRC compares the batch, which b holds wholly, with its checksum.
func (h *header) checkCRC(b []byte) error {
	if got := castagnoliSum(b[crcStart:h.size]); got != h.crc {
		return fmt.Errorf("checksum %08x, but the batch says %08x", got, h.crc)
	}
	return nil
}
