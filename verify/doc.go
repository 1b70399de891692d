// Package verify counts a closed month again and compares every number with what was sealed, recorded and billed.
//
// It is a second, plain implementation of the design: it shares no code with the packages that decode, count and rate (a test
// sees to that), reads the log with another client, keeps facts in Go maps and sorted files, and calculates money in big
// rationals. So a fault in either is seen where the two disagree.
//
// What is read: the log up to the month's seals, the rules, the GUID keys, the seals' public key, the sealed files and the
// ledger. Nothing is written but temporary files.
//
// Layout: rules.go reads rules and keys; decode.go says what a record is; seal.go reads seals and closed records; log.go
// reads the log; count.go is one partition's state; facts.go holds facts in memory and on disk; sealed.go reads sealed files;
// fromsealed.go counts from them alone; lost.go reads what was lost of the log and accepted; archive.go reads an export; compare.go holds the recount against them; usage.go against the
// ledger; price.go, price_compare.go and price_late.go hold invoices against package reprice, the second rating; run.go puts it
// together; report.go is what comes of it.
package verify
