// Package batch is Kafka's record batch, format 2: what a producer sends, a broker stores and a fetch brings, byte for byte the same.
//
// What it promises:
//
//   - A batch whose CRC was checked is what its writer made. Lengths, counts and offsets are checked before they are used, with a CRC
//     that is right as well; all of a batch is checked, also what of it is not wanted.
//   - What a batch may unpack to at once is bounded by Unpacker.Limit, and memory follows what it unpacks to, not what it says. A Stream
//     reads one of more, in memory that does not grow with it. Both find the same records, and the same batches broken (limits.go).
//   - A record costs no allocation: records alias what was unpacked.
//   - Vectorised code gives what the plain code beside it gives, for any bytes, and touches nothing outside them.
//   - Records of aborted transactions, and the marks that end transactions, are told from those that count.
//
// Layout:
//
//	what a batch says of itself    header.go unreadable.go crc_*
//	its records                    records.go records_*
//	compression                    compress.go lz4.go lz4_*
//	read piece by piece            stream.go unpacked.go limits.go
//	aborted transactions           aborted.go
//	writing                        message.go encode.go murmur2.go
//	where no broker is             reader.go writer.go
//
// Package batchtest makes batches for tests.
package batch
