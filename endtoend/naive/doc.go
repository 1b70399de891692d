// Package naive counts a month again in the plainest way there is: it reads every record with a general JSON reader, keeps
// every id in Go maps, and counts by len. It is what the tests hold the real thing against, so it shares no code with the
// packages that count, has no limits, and knows only one log: what all partitions saw, in order.
//
// Layout: read.go says what a record is; log.go keeps sets and closes months.
package naive
