// Package appid says what can be the id of an app. It imports nothing of ours.
package appid

// MaxBytes is the longest id of an app, bytes: of one that an event names, and of one that an account is billed for. An event with a
// longer one is a dead letter.
const MaxBytes = 64
