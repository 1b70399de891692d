package batchtest

import "slices"

// Broken is a batch that cannot be read.
type Broken struct {
	Name string // what is wrong
	Data []byte
	Want string // within the error of whoever reads it

	Producer bool // it was made so by its producer: the checksum, and what stands outside it, is right
}

// AllBroken are batches broken in every way that a reader must find, each at offset 5 but where its base is what is wrong.
func AllBroken() []Broken {
	good := Plain(5, "a", "b")
	broken := func(f func(b *Batch)) []byte { return good.With(f).Bytes() }
	return []Broken{
		{"checksum", broken(func(b *Batch) { b.CRCOff = 1 }), "checksum", false},
		{"format 0", broken(func(b *Batch) { b.Magic = 0 }), "message format 0", false},
		{"format 1", broken(func(b *Batch) { b.Magic = 1 }), "message format 1", false},
		{"format 3", broken(func(b *Batch) { b.Magic = 3 }), "message format 3", false},
		{"length below a header", broken(func(b *Batch) { b.Length = 48 }), "length 48", false},
		{"length negative", broken(func(b *Batch) { b.Length = -1 }), "length -1", false},
		{"base negative", broken(func(b *Batch) { b.Base = -5 }), "base offset -5", false},
		{"base at the end of all offsets", broken(func(b *Batch) { b.Base = 1<<63 - 2 }), "out of range", false},
		{"last delta negative", broken(func(b *Batch) { b.LastDelta = -1 }), "last offset delta -1", false},
		{"more records than offsets", broken(func(b *Batch) { b.LastDelta = 0 }), "2 records in 1 offsets", true},
		{"count negative", broken(func(b *Batch) { b.Count = -1 }), "-1 records", true},
		{"count that lies, far", broken(func(b *Batch) { b.Count, b.LastDelta = 1<<31-1, 1<<31-1 }), "2147483647 records in", true},
		{"count one more", broken(func(b *Batch) { b.Count, b.LastDelta = 3, 2 }), "record", true},
		{"count one less", broken(func(b *Batch) { b.Count = 1 }), "left over", true},
		{"deltas do not rise", broken(func(b *Batch) { b.Content = slices.Concat(Record(0, 1, "", "a"), Record(0, 1, "", "b")) }), "offset delta 1 after 1", true},
		{"delta past the last", broken(func(b *Batch) { b.Content = slices.Concat(Record(0, 0, "", "a"), Record(0, 9, "", "b")) }), "offset delta 9", true},
		{"record longer than the batch", broken(func(b *Batch) { b.Content[0] = 126 }), "past its end", true},
		{"record length negative", broken(func(b *Batch) { b.Content[0] = 1 }), "past its end", true},
		{"value longer than the record", broken(func(b *Batch) { b.Content[6] = 126 }), "value", true},
		{"value length −2", broken(func(b *Batch) { b.Content[6] = 3 }), "value", true},
		{"key longer than the record", broken(func(b *Batch) { b.Content[4] = 126 }), "key", true},
		{"headers that are not there", broken(func(b *Batch) { b.Content[8] = 2 }), "headers", true},
		{"headers negative", broken(func(b *Batch) { b.Content[8] = 1 }), "headers", true},
		{"codec 5", broken(func(b *Batch) { b.Attributes = 5 }), "codec 5", true},
		{"gzip that is none", broken(func(b *Batch) { b.Attributes = 1 }), "uncompress", true},
		{"snappy that is none", broken(func(b *Batch) { b.Attributes = 2 }), "uncompress", true},
		{"lz4 that is none", broken(func(b *Batch) { b.Attributes = 3 }), "uncompress", true},
		{"zstd that is none", broken(func(b *Batch) { b.Attributes = 4 }), "uncompress", true},
	}
}
