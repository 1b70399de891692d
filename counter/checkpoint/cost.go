package checkpoint

import "time"

// Requests are how many requests that cost money (PUT and LIST) a month of checkpoints takes in an object store. Partitions without events make
// none.
type Requests struct {
	Little int64 // where a checkpoint has little new: it is one object, now and then with a file; garbage is looked for once in sixty
	Much   int64 // where each has more than 128 KiB of it: a file, a manifest, and every eighth time those before as one
}

// RequestsFor tells it for so many partitions with a checkpoint at this interval, and rather too many than too few.
func RequestsFor(partitions int, interval time.Duration) Requests {
	const month = 365.25 * 24 * float64(time.Hour) / 12
	checkpoints := float64(partitions) * month / float64(interval)
	return Requests{int64(1.2 * checkpoints), int64(2.4 * checkpoints)}
}
