// Package stream is the log: it reads and writes a Kafka topic, and is the only package that talks Kafka.
//
// What it promises:
//
//   - Every record that a committed reader may see is handed on once, in the order of its partition, or an error says what is
//     missing. Nothing is skipped in silence: an offset before the log's start is a GapError, one past its end or a batch that
//     changed a TruncatedError, a topic that was made again a RecreatedError.
//   - A batch is checked against its CRC before anything in it is believed. Lengths are checked before they are used, and what a
//     batch may unpack to is bounded.
//   - Memory for fetched data is bounded by Config.MaxBytes, plus one decompressed batch of each partition. A record costs no
//     allocation.
//   - Handler.Revoked returns before a partition is given to anybody else; partitions that stay are not interrupted.
//   - Produce returns when all in-sync replicas have the messages, in the order they were given for a partition.
//   - What can pass is retried for as long as the context lasts, with backoff, and shown in the log; what cannot is returned, with
//     the thing's name and a remedy.
//
// Requests go through kafka-go's Transport, which keeps connections and knows the brokers. Fetch, Metadata, ListOffsets,
// OffsetForLeaderEpoch and Produce are encoded here, in versions kafka-go does not have or without its copies; the others are
// kafka-go's messages in pinned versions.
//
// Layout: log.go, config.go; wire.go, exchange.go, versions.go, errors.go are the way to a broker; metadata.go, offsets.go,
// verify.go ask about the topic; header.go, records.go, compress.go, aborted.go read record batches; fetch.go is the Fetch
// request, reader.go and partition.go the loops around it; group.go, member.go, share.go are the membership; encode.go, murmur2.go,
// produce.go write; admin.go, check.go, owners.go are for operators; broker.go is the embedded broker.
package stream
