// Package events holds the words of the log: what a record is, which months, kinds and rules there are.
//
// What decides how a record is counted is in two canonical documents, TopicRules and MonthRules, and in the code behind
// TopicRules.Grammar: no clock, no random number, no host's time-zone files.
//
// Rooms:
//
//	identity   GUID → 16 bytes → fingerprint; the keys
//	decode     record → Event
//	signed     the signed records that close a month
//	stream     the log: reading and writing a Kafka topic
//
// Layout:
//
//	record.go header.go reason.go    records, their headers, events, why one is a dead letter
//	position.go                      partitions and offsets
//	kind.go month.go zone.go         kinds; calendar months, and their days in a zone
//	rules.go canonical.go template.go rulebook.go kindtable.go   what decides how a record is counted
//
// # What a record is
//
// In this order: a null value without CloudEvents headers is a Tombstone. A text that is not one well-formed JSON object, or in
// which something that is read is wrong, is Rejected. A type that begins with "headcount." is Control. Then the month is found
// (no usable time: Rejected), a usage.reported is Reported or Rejected, a type that the month's rules do not list is Unknown, an
// absent or invalid app or GUID is Rejected, and so is a value over the month's size limit. What is left is Counted, or Expired
// where its month is finished.
package events
