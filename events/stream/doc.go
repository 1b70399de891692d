// Package stream is the log: it reads and writes a Kafka topic. With what lies below it, it is all of the first implementation that
// talks Kafka; the second has a client of its own.
//
// What it promises:
//
//   - Every record that a committed reader may see is handed on once, in the order of its partition, or an error says what is
//     missing. Nothing is skipped in silence: an offset before the log's start is a GapError, one past its end or a batch that
//     changed a TruncatedError, a topic that was made again a RecreatedError. Offsets that are missing between two batches, as where
//     a topic was compacted once, are shown in the log.
//   - Where a reader stands is compared with the log at its start and whenever a partition has a new leader: by the end of the last
//     batch's leader epoch, and by that batch's CRC. What was fetched, not handed on yet, and is not there is fetched anew.
//   - A batch is checked against its CRC before anything in it is believed. What fails it halts the partition. What its producer made
//     is read whatever it is: a batch too large to be held comes piece by piece, a record that is too long and a batch that is broken as what
//     is refused, in its place.
//   - Memory for fetched data is bounded by Config.MaxBytes, plus one decompressed batch of Config.MaxBatchBytes, and 12 MiB for its records,
//     for each Batch that is out, between Next and Release; of those that come piece by piece one is out at a time in a process, and takes
//     128 MiB, where its codec reaches back so far, and a record of 16 MiB. What is kept to be used again, by Config.MaxBytes once more. A record costs no allocation. A partition is given no less
//     than two shares of 16 KiB, and no less than a batch comes at all: with more partitions than MaxBytes has room for that, or with
//     larger batches, those are the bound.
//   - Handler.Revoked returns before a partition is given to anybody else; partitions that stay are not interrupted.
//   - Produce returns when all in-sync replicas have the messages, in the order they were given for a partition. Calls at the same time share
//     batches; each is told what became of its own.
//   - What can pass is retried for as long as the context lasts, with backoff, and shown in the log; what cannot is returned, with
//     the thing's name and a remedy.
//
// Requests go through kafka-go's Transport, which keeps connections and knows the brokers. They are encoded here, and answers decoded:
// in versions kafka-go does not have, without its copies, and without memory for lengths that lie. A broker's throttle time is
// waited for, by each kind of request.
//
// Layout:
//
//	the way to a broker    log.go config.go exchange.go versions.go throttle.go errors.go lost.go notice.go
//	about the topic        metadata.go offsets.go epoch.go verify.go undecided.go
//	fetching               reader.go layout.go loop.go fetch.go answer.go compare.go partition.go large.go memory.go
//	membership             assign.go membership.go
//	writing                message.go produce.go lane.go producerid.go produce_request.go
//	for operators          admin.go check.go
//
// Below it, each with its own promises: batch (record batches), group (membership), wire (primitive types, error codes), backoff. broker
// is the embedded broker, which is talked to as any other.
package stream
