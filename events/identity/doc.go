// Package identity makes fingerprints of GUIDs and user ids: what the state holds in place of an id.
//
//	guid*                       which GUIDs are UUIDs, and their 16 bytes
//	key.go fingerprint.go       GUID key, fingerprint
//	keyring.go                  the keys of an installation, and their file
//	aes.go aes_*                many fingerprints made at once
package identity
