package batch

// What is taken of a batch, whatever its producer made of it and whoever reads it. It decides what is counted, so it is no setting.
const (
	// MostContent is what a batch may unpack to, in bytes: one of more counts as broken. It bounds the time that a batch takes.
	MostContent = 2 << 30
	// MostRecord is the size of a record, in bytes as its length says: a longer one is refused, unread.
	MostRecord = 16 << 20
	// mostWindow is what a codec may reach back, in bytes: zstd's window at its highest level, and a block of snappy, which may reach
	// back to its beginning. A batch that would need more counts as broken.
	mostWindow = 128 << 20
)

// MostUnpacked is the most that Unpacker.Limit may be, in bytes: what fits in it reaches back no further than a Stream follows.
const MostUnpacked = mostWindow

// mostAtOnce is how many records of a batch are taken apart at once; a batch of more is read by a Stream.
const mostAtOnce = 128 << 10
