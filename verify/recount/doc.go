// Package recount counts a closed month again, from the log up to the month's seals or from the sealed files alone, and compares
// what it counts with the sealed files.
//
// It is a second, plain implementation: it reads the log with another client, takes batches apart itself, keeps facts in Go maps and
// sorted files, and uses nothing of what decodes and counts in the product.
//
//	Open      what is counted: a Subject, with its rules and keys   subject.go, rules.go, keys.go, prints.go
//	Count     the numbers, from log or sealed files                 count.go
//	          the log, and what a record is                         log.go, fetch.go, batch.go, unpack.go, decode.go, fields.go, forms.go, seal.go
//	          from which seal on                                    beginning.go
//	          partitions side by side                               lanes.go
//	          one partition's state                                 partition.go, windows.go
//	          facts in memory and on disk                           facts.go
//	          facts united into an app's numbers                    union.go, app.go
//	          sealed files, and read along with the facts           sealed.go, index.go, along.go, heads.go, fromsealed.go
//	ReadLosses what was lost of the log, and accepted               losses.go
//	LookUp, Find   one device                                       lookup.go
package recount
