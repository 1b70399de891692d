// Package dictionary numbers devices: fingerprint → ordinal, in order of first appearance, dense from 0, and what a device did on
// its last day beside it.
//
// It promises that entries never move and fingerprints never change, so that a part of them can be read while it grows (Tail); that
// no insertion stops for more than a few milliseconds; and that many look-ups at once overlap their cache misses (Batch).
// One goroutine owns a dictionary; Tails may go to others.
//
//	dictionary.go segment.go   entries, and the slots by which they are found
//	index.go                   many fingerprints numbered first and made findable at once
//	prefetch*.go               many look-ups at once, a cache line at a time
//	tail.go                    reading entries in order
//	pages*.go                  the memory that all of it lies in
package dictionary
