// Package endtoend holds the tests that drive the two commands as a user does: the real binaries, real files, a real broker.
// What they print is held against a naive recount of the same records (package recount).
//
// The broker is the embedded one; with HEADCOUNT_KAFKA set (see endtoend/apachekafka) the same tests run on Apache Kafka.
package endtoend
