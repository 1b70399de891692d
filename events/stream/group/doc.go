// Package group is membership in a consumer group: it has a process told which partitions of a topic are its own, and tells the group how
// far they are counted.
//
// What it promises:
//
//   - No two members have a partition at a time: Handler.Revoked returns before a partition is given to anybody else.
//   - Partitions that stay are not interrupted; when members come and go, as few move as can.
//   - A member that is busy, or cannot reach the coordinator for less than a session, loses nothing.
//   - A static member that comes back has its partitions at once; of two under one name the older leaves, with a FencedError.
//   - What can pass is retried for as long as the context lasts, and shown; what cannot is returned, after all was revoked.
//
// How brokers are reached is not its business: the Cluster that it is given sends its requests.
//
// Layout:
//
//	the group and its port     group.go
//	being a member             member.go join.go heartbeat.go coordinator.go
//	who gets what              share.go
//	how far it is counted      commit.go
//	for operators              describe.go
package group
