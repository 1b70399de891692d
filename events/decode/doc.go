// Package decode reads the records of the log: what each one is, in which month and app it counts, and for whom.
//
// It promises:
//
//   - Decoding is a pure function of (rules, record).
//   - Bad input is never an error: it is an Event with the outcome Rejected and a Reason. An error of Decode comes from the
//     Rulebook.
//   - Decode allocates nothing for a well-formed event.
//
// Layout:
//
//	decoder.go                           a batch, record by record
//	verdict.go quantity.go months.go     what an event is, in which month it counts, or why it is rejected
//	time.go                              RFC 3339
//	content.go                           structured or binary mode
//	layout* skeleton.go skeletons*       the quickest readers: of records written as those before were
//	scan.go pass.go                      the quick reader of ordinary CloudEvents
//	strict.go text.go                    the reader of everything else, which defines what is right
package decode
