// Package identity makes fingerprints of GUIDs and user ids: what the state holds in place of an id.
//
//	id.go guid*                 what a GUID or a user id is: 16 bytes of a population
//	fingerprint.go              fingerprints
//	app.go                      what makes those of one app, and what salts its sketches
//	key.go keyring.go           the GUID key, the keys of an installation, and their file
//	permutation.go aes_*        many fingerprints made at once
//
// # Construction
//
// The fingerprint of an id is
//
//	f = π(x ⊕ T) ⊕ x ⊕ T
//
// x is 16 bytes: a UUID's own, else the first 16 of SHA-256(population ‖ 0 ‖ id). π is AES-128 under a published constant key, the
// first 16 bytes of SHA-256("headcount fp1"). T is a secret of one app and one population (uuid, opaque, user): the first 16 bytes of
// HMAC-SHA-256(GUID key, "fp1" ‖ 0 ‖ population ‖ 0 ‖ app).
//
// Whoever does not have T can neither turn f back nor tell whether it is that of an id: that takes 2¹²⁸/D steps with D known pairs (Even
// and Mansour's construction with one key; the feed-forward makes it one-way for those who have T). Two apps have two secrets, so that the
// same id has fingerprints that nobody without the key can link, and whoever sends events under an app of his own learns nothing of others;
// two populations have two, so that nobody can make up a UUID that meets an opaque id or a user. Whoever has T can try one id after
// another: ids that are easy to guess, such as phone numbers, are protected by T alone.
//
// testdata/vectors.json has examples of every step, for implementations in other languages.
package identity
