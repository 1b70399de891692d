package month

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Traits of a device, the last argument of hash.
const (
	traitApp = iota
	traitSecondApp
	traitLife
	traitTurn
	traitHabit
	traitGUIDHigh
	traitGUIDLow
	traitUser
	traitForm
)

// population knows who the devices are. Nothing is kept per device: every trait is a hash.
type population struct {
	seed    uint64
	devices int
	apps    [][]byte
	appOf   []int32 // app by the top bits of a hash; a power of two long
	shift   int
}

func newPopulation(c Config) *population {
	p := &population{seed: c.Seed, devices: c.Devices}
	width := max(3, len(fmt.Sprint(c.Apps)))
	for i := range c.Apps {
		p.apps = append(p.apps, fmt.Appendf(nil, "app-%0*d", width, i+1))
	}
	slots := 1 << max(16, bits.Len(uint(c.Apps))+2)
	p.shift = 64 - bits.TrailingZeros(uint(slots))
	weights, sum := make([]float64, c.Apps), 0.0
	for i := range weights {
		weights[i] = 1 / math.Pow(float64(i+1), 1.1)
		sum += weights[i]
	}
	for i, w := range weights {
		share := max(1, int(w/sum*float64(slots)))
		p.appOf = append(p.appOf, slices.Repeat([]int32{int32(i)}, min(share, slots-len(p.appOf)))...)
	}
	for len(p.appOf) < slots { // what rounding left goes to the greatest app
		p.appOf = append(p.appOf, 0)
	}
	return p
}

// pick draws a device that is alive when a share of the month has passed. Few devices act often: of a million, the most
// active tenth makes a third of all events.
func (p *population) pick(r *random, passed float64) uint64 {
	for range 8 {
		u := r.unit()
		d := uint64(u * u * float64(p.devices))
		life := hash(p.seed, d, traitLife)
		turn := unit(mix(life))
		switch life % 100 {
		default:
			return d
		case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19: // comes within the month
			if passed >= turn {
				return d
			}
		case 20, 21, 22, 23, 24, 25, 26, 27: // leaves within the month
			if passed <= turn {
				return d
			}
		}
	}
	return 0
}

// app returns the device's app; one device in a hundred has a second one, on every third event.
func (p *population) app(d uint64, r *random) []byte {
	trait := uint64(traitApp)
	if second := hash(p.seed, d, traitSecondApp); second%100 == 0 && r.next()%3 == 0 {
		trait = traitSecondApp
	}
	return p.apps[p.appOf[hash(p.seed, d, trait)>>p.shift]]
}

// guid returns the device's GUID, a random UUID; one device in fifty is reinstalled within the month and has another from
// then on.
func (p *population) guid(d uint64, passed float64) [2]uint64 {
	turn := hash(p.seed, d, traitTurn)
	install := d * 2
	if turn%50 == 0 && passed > unit(mix(turn)) {
		install++
	}
	high, low := hash(p.seed, install, traitGUIDHigh), hash(p.seed, install, traitGUIDLow)
	return [2]uint64{high&^0xf000 | 0x4000, low&^(3<<62) | 2<<62}
}

// user is who logs in on the device: some have several devices.
func (p *population) user(d uint64) uint64 { return hash(p.seed, d*4/5, traitUser) }

const (
	open = iota
	search
	predownload
)

// kind draws what the device does by its habit: some never open anything.
func (p *population) kind(d uint64, r *random) int {
	u := r.next() % 100
	switch habit := hash(p.seed, d, traitHabit) % 100; {
	case habit < 70: // opens
		if u < 82 {
			return open
		} else if u < 94 {
			return search
		}
		return predownload
	case habit < 80: // only searches
		return search
	case habit < 90: // only predownloads
		return predownload
	default: // all alike
		return int(u % 3)
	}
}
