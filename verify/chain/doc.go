// Package chain reads the ledger, and walks its hash chain, by code of its own: of the package that writes the ledger it shares
// the tables' and columns' names, and nothing else.
//
// The ledger is a list of entries, each with the hash of the one before. Every row of every other table belongs to an entry: what
// is in the row stands in the entry's payload, or in a document whose SHA-256 is there. So Walk needs no more than the entries to
// say what every cell must be.
//
// An entry's hash is the hex SHA-256 of seven lines, joined by "\n" and without one at the end:
//
//	headcount ledger entry 1
//	hash of the entry before (64 zeros for the first)
//	seq, decimal
//	kind
//	month (2026-10; empty where the entry has none)
//	at (RFC 3339, UTC, milliseconds)
//	payload (JSON)
//
//	kind      payload's members                                        rows
//	ledger    format, id                                               none
//	closing   seal_id … previous, accounts*, issuer*?, books* by name  closings, books in the order of their names
//	usage     app, account, digest, document*                          usage
//	invoice   month, account, revision, document*, numbered?           invoices, and of the document's lines: lines; numbers
//	result    seal_id, apps, invoices, at, document*                   results
//	message   message*                                                 outbox
//	sent      outbox, at                                               sent
//	release   account, revision, reason, by, at, numbered?             releases, numbers
//	amendment number, reason, by, at, invoices, document*              amendments
//	          (*: the document's SHA-256, as sha256:hex)
//
// Layout: schema.go has the tables and what makes them append-only; entry.go an entry and its hash; rows.go the rows that follow
// from an entry; walk.go the walk; guards.go the schema's part of it; open.go opens a ledger, import.go makes one of an export;
// read.go reads what the ledger has of a month; number.go the numbers, which have no gap.
package chain
