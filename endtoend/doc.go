// Package endtoend holds the tests that drive the two commands as a user does: the real binaries, real files, a real broker.
// What they print is held against a naive recount of the same records (package naive).
//
// The broker is the embedded one; with HEADCOUNT_KAFKA set (see endtoend/apachekafka) the same tests run on Apache Kafka.
//
// Below it: sim, the whole way in one thread from one seed, with faults; crash, real processes killed on Apache Kafka; and what
// tests share: month and generate (months of events), apachekafka and port (brokers), guard (memory that ends where it says), naive.
// rooms_test.go holds what each package of the project imports.
package endtoend
