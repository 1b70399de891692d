package month

// random is splitmix64: a stream of numbers that is the same everywhere.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// below returns a number from 0 to n−1.
func (r *random) below(n int) int { return int((r.next() >> 32) * uint64(n) >> 32) }

// unit returns a number in [0, 1).
func (r *random) unit() float64 { return unit(r.next()) }

func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// mix scatters a number over all 64 bits; it is a bijection.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash gives a trait of a device: a number that hangs on seed, device and trait alone.
func hash(seed, device, trait uint64) uint64 {
	return mix(mix(seed+trait*0x9e3779b97f4a7c15) + device*0xd1342543de82ef95)
}
