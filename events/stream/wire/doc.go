// Package wire is Kafka's protocol below its messages: the primitive types that messages are made of, and the codes that brokers
// refuse with.
//
// What it promises:
//
//   - No answer makes a decoder panic, or allocate more than in proportion to the bytes that came: a length or a count that lies is an
//     error.
//   - A decoder's first error stays; after it all reads return zero.
//   - Every code, also one that nobody has heard of, has a class that says what to do about it; a refusal names what was asked and,
//     where there is one, the remedy.
//
// Layout:
//
//	primitive types, in memory    encoder.go decoder.go
//	from a connection             connection.go
//	error codes and refusals      codes.go refusal.go
package wire
