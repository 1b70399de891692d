// Package signed holds the records that close a month in the log: seals and closed records, signed with Ed25519.
//
//	seal.go closed.go   what they say
//	signed.go           how a record is signed and checked; it has one encoding
//	sealkey.go          the keys, and their files
package signed
