// Package events reads the records of the log: what each one is, in which month and app it counts, and for whom.
//
// It promises:
//
//   - Decoding is a pure function of (rules, GUID key, record): no clock, no random number, no host's time-zone files. What decides
//     is in the two canonical documents, TopicRules and MonthRules, and in the code behind TopicRules.Grammar.
//   - Bad input is never an error: it is an Event with the outcome Rejected and a Reason. An error of Decode comes from the
//     Rulebook, or says that the month's GUID key is missing.
//   - GUIDs and user ids leave this package as fingerprints only.
//   - Decode allocates nothing for a well-formed event.
//
// Layout:
//
//	doc.go record.go reason.go kind.go month.go    the words
//	guid* key.go keyring.go fingerprint.go         identity: GUID → 16 bytes → fingerprint
//	aes.go aes_*                                   the fingerprints of a batch made at once
//	zone.go time.go                                calendar months in a zone; RFC 3339
//	rules.go canonical.go template.go              what decides how a record is counted
//	header.go content.go                           record headers; structured or binary mode
//	layout* skeleton.go skeletons*                 the quickest readers: of records written as those before were
//	scan.go pass.go                                the quick reader of ordinary CloudEvents
//	strict.go text.go                              the reader of everything else, which defines what is right
//	decoder.go months.go kindtable.go quantity.go  verdicts
//	seal.go closed.go signed.go sealkey.go         the signed records that close a month
//
// # What a record is
//
// In this order: a null value without CloudEvents headers is a Tombstone. A text that is not one well-formed JSON object, or in
// which something that is read is wrong, is Rejected. A type that begins with "headcount." is Control. Then the month is found
// (no usable time: Rejected), a usage.reported is Reported or Rejected, a type that the month's rules do not list is Unknown, an
// absent or invalid app or GUID is Rejected, and so is a value over the month's size limit. What is left is Counted, or Expired
// where its month is finished.
package events
