// Package verify counts a closed month again and compares every number with what was sealed, recorded and billed.
//
// It is a second, plain implementation of the design. Nothing here or below imports a package of the product (a test sees to that):
// the log is read with another client, facts lie in Go maps and sorted files, money is calculated in big rationals, and the
// ledger's rows and hash chain are read by code of their own. So a fault in either is seen where the two disagree.
//
// What is read: the log from the seals of the month two before up to the month's own, or from its beginning, the rules, the GUID keys, the seals' public key, the sealed files and the ledger.
// Nothing is written but temporary files.
//
// A verification goes one way (verify.go):
//
//	open          ledger, rules, keys, prices     open.go, earlier.go, prices.go; chain, recount
//	count         log and sealed files            recount
//	checkUsage    the numbers with the ledger's   usage.go, meters.go
//	checkArchive  an export's copies              archive.go, copies.go
//	checkInvoices the second rating's invoices    invoices.go, invoices_compare.go, amended.go, late.go; reprice
//	checkLedger   closed records, the hash chain  closed.go; chain
//
// What differs goes into a report (package report). explain.go says how one device was counted.
package verify
