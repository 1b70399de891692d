//go:build purego || !amd64

package batch

import "hash/crc32"

func castagnoliSum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
