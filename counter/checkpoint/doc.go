// Package checkpoint keeps what is counted: durable formats, and the store that holds them.
//
// # Promises
//
// What Save, Seal, Rules or Create has acknowledged is there after a crash of the process or of the machine. Files are
// immutable and made whole or not at all; a name once taken is not taken again. Each commit has one point: the creation of a
// manifest (checkpoint), of an index (sealed month), of a file of rules, of the record of an accepted loss. Every bit of every file is under a checksum, and what
// does not verify is named, skipped and never guessed at. A file of a newer or an older format is no damage: it is refused with ErrVersion.
// Any number of processes may work on a partition at a time: since a shard is a pure function of rules and log, the slower
// one's work is only lost, and it is told so.
//
// # Files
//
//	<topic>/<topic id>/rules/topic.json                  canonical JSON of events.TopicRules; topic.2.json after a recount of all
//	<topic>/<topic id>/rules/<month>.json                canonical JSON of events.MonthRules; <month>.2.json after a recount
//	<topic>/<topic id>/gaps/<partition>-N.gap            document: a loss of log that was accepted, N from 1 on without holes
//	<topic>/<topic id>/<partition>/checkpoint/G.manifest document: a checkpoint, generation G (20 digits)
//	<topic>/<topic id>/<partition>/checkpoint/G-R.segment parts of windows, written for generation G; R is random
//	<topic>/<topic id>/<partition>/checkpoint/passed     document without content: checkpoints were removed;
//	                                                     passed-2 …: also after all were lost
//	<topic>/<topic id>/<partition>/sealed/<month>.index  document: a sealed month
//	<topic>/<topic id>/<partition>/sealed/<month>-R.data its facts, registers, counters, totals
//
// Topic and topic id are escaped where they are not plain (escape); nothing in a name comes from events.
//
// A document is text with a checksum (document.go); its JSON is described by manifest, Index and gapRecord (describe). Segments and sealed
// data are binary: header and blocks (block.go), a segment's parts (part.go), sealed apps and rows (sealed.go). A change to any
// of these is a new version; testdata holds a file of each version, for ever.
//
// # Accepted losses
//
// Whoever goes on past a loss of log records it first (Accept), and reads what lies behind it only then. So whoever has found a
// month sealed from behind a loss finds the loss (Gaps), by the order of these steps alone. Records are asked for by name, since a list
// of an object store may be out of date, and are never removed: neither damage to checkpoints nor a partition that is counted
// again from its beginning makes a loss forgotten. Sealed files say nothing of losses, and stay a function of rules and log.
//
// # Checkpoints
//
// A Save writes one segment with what is new, and a manifest that names it after those of before. Segments are merged by
// levels (plan), so that a restart reads few files and a byte is rewritten once a level. A merge drops windows of months that
// are sealed or finished. Two generations are kept; they share segments. What neither names is removed after the commit. Manifests are
// numbered without holes, so that from one the next is found by its name: no older one is taken for the newest because a list of an
// object store is out of date. Nor is none: before the first is removed, a file is made (passed) that a list from before the first
// lacks; where all manifests are lost and made anew, the next (passed-2).
//
// Where each file costs money (held.go), a segment of up to 128 KiB lies in the manifest itself, which is then of version 4, and in those after
// it, until the eighth is written with them as one; garbage is looked for once in sixty saves; and manifests that are of no use
// stay for a day (Fence): a name that becomes free again would let a writer that slept believe that it has committed.
//
// A new device costs 16 bytes, a fact about one, a raised register two or three; a repeat costs nothing but the counters of
// its window, once a Save.
package checkpoint
