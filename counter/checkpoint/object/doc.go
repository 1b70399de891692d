// Package object is a state store in an object store: S3 and what speaks its protocol, Azure Blob Storage, and, in programs built with the
// tag gcs, Google Cloud Storage.
//
// # Promises
//
// A commit document is one object, made by one conditional request (If-None-Match: *), however large it is: of those who create a name
// at a time one wins. Each attempt carries a nonce as metadata, so that whoever is told that the name is taken knows whether he took it
// himself, by a request whose answer was lost: a request that is sent twice is no error. A store that makes a name twice, or keeps no
// metadata, is refused (Probe) before anything is written to it.
//
// Data (CreateData) lies under names that nobody else makes up, and goes in parts where it is large.
//
// What fails on the way is tried again, with growing pauses of random length, as long as Config.Patience; with none, until the
// context ends: so counting goes on while the store is away. That a bucket is gone is never taken for a file that is not there.
//
// What is read is read whole: small objects by one request, larger ones in ranges of 8 MiB side by side into a file without a name.
package object
