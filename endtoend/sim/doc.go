// Package sim runs the whole way of an event (log, workers, store, close, ledger) in one thread, from one seed, with faults.
//
// Real are the decoder, the shard, the crew and its workers, the checkpoints and the directory they lie in, the close, rating,
// and in every tenth run the ledger on SQLite. Simulated are what these stand on: the broker as far as a reader, a producer and a
// group's member see it; a disk that keeps apart what was written and what lasts, and an object store; the clock; the ledger in
// memory. Each process and each thing that goes on beside it is a coroutine, which gives way wherever it meets the outside; who
// comes next, and what goes wrong, is drawn from the seed. So a run can be repeated, step by step, by its seed alone.
//
// What is right is known from the log as it lies there at the end, and from what each record was made to be: sets in plain maps,
// and the invoices that they imply (truth.go, bill.go), which share no code with what is tested. A run ends with the same counts,
// the same digests and the same invoices, or with a halt that names what cannot be had back.
//
//	world.go task.go clock.go     the run: coroutines, time, faults
//	traffic.go record.go          what the producers send
//	limits.go                     what a month may hold, in some runs
//	broker.go reader.go group.go  the log
//	seal.go                       how it loses seals
//	disk.go object.go             the state store
//	ledger.go site.go             the ledger, and what a close opens
//	process.go operator.go        processes, and who starts them again
//	truth.go bill.go check.go     what must come out
//	fault.go                      the faults, and how often each took effect
package sim
