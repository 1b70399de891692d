package events

// Fingerprint stands for a device or a user in everything that is stored: AES-128 of a 16-byte input under the GUID key, XORed
// with that input.
type Fingerprint [16]byte
