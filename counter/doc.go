// Package counter counts who did what: it turns a partition's records into facts, and the facts of all partitions into numbers.
//
// It promises:
//
//   - A Shard is a pure function of (rules, log prefix): no clock, no random number, no map order. Counting the same records
//     gives the same content, in whatever calls they come; and so does applying its deltas to an empty shard. Where a seal was lost, it
//     goes on by what is on record of that (Chain).
//   - A record is counted wholly or not at all.
//   - A Delta, and what a seal hands out, share nothing that counting on will change.
//   - No call stops for long because something doubles: dictionaries grow by parts of a few milliseconds.
//   - A union does not depend on how a month was partitioned (Unite).
//
// Two witnesses count every event: the exact facts, and the sketches. They share nothing after the fingerprint: facts look for a device
// by half of its bits, sketches take a hash of all of them, salted by app and month.
//
// Layout:
//
//	content.go                               what passes between a shard and what stores it
//
// //	remark.go                                what was not billed as it was meant, by why
//
//	shard.go count.go seal.go                the shard, its way through records, the end of a month
//	late.go                                  which events are late
//	window.go flat.go large.go               one app's month in a partition, and its two forms
//	dictionary/                              fingerprint → ordinal
//	prefetch.go registers*.go                a batch's fingerprints, and what is known of its events before they are counted
//	sketch.go estimate.go quantities.go      registers and estimates; reported quantities
//	delta.go parts.go                        what is new, and how it is put back
//	rows.go largerows.go                     facts by device, sorted
//	union.go source.go tally.go digest.go    all partitions of a month as one
//
// # Memory
//
// A large window takes 20 bytes a device of entries (fingerprint, last day and what was done on it) and about 5.3 of slots at any
// size, outside the collector's heap and on huge pages where the system grants them; and its facts as bitmaps on the heap: one
// bit a device, kind and day where a sixteenth of the devices or more did it, else two bytes a fact. A flat one, below 1,000
// devices, takes about a kilobyte and a half for ten devices.
package counter
