// Package signed holds what is signed in the log, with Ed25519: the records that close a month, seals and closed records, and reported
// quantities.
//
//	seal.go closed.go   what they say
//	report.go           what a reporter of quantities signs
//	signed.go           how a record is signed and checked; it has one encoding
//	key.go              the keys, and their files
package signed
