package counter

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/axiomhq/hyperloglog"
)

// Estimate returns how many elements registers, 2^p of them with p from 4 to 16, stand for; none: 0. It panics on what no
// sketch can hold: see ValidRegisters.
//
// The estimate is the library's, bit for bit. Its formula needs of the registers only how many hold each value: the sum of
// their 2^−value is exact in whatever order, while no value is so high that the sum has more bits than a float64. A higher one,
// which a sketch meets once in trillions of elements, is left to the library.
func Estimate(registers []uint8) uint64 {
	if len(registers) == 0 {
		return 0
	}
	if err := ValidRegisters(registers); err != nil {
		panic("counter: " + err.Error())
	}
	counts := countValues(registers)
	p := bits.TrailingZeros(uint(len(registers)))
	sum := 0.0
	for v, n := range counts {
		if n == 0 {
			continue
		}
		if v > 53-p {
			return libraryEstimate(registers)
		}
		sum += float64(n) * math.Ldexp(1, -v)
	}
	m, none := float64(len(registers)), float64(counts[0])
	return uint64(alpha(m)*m*(m-none)/(sum+beta(p, none)) + 0.5)
}

// countValues counts the registers by what they hold.
func countValues(registers []uint8) (counts [64]uint32) {
	var odd [64]uint32 // every other one: equal neighbours do not wait for each other
	for i := 0; i < len(registers); i += 8 {
		if unset(registers, i) {
			counts[0] += stride
			i += stride - 8
			continue
		}
		eight := binary.LittleEndian.Uint64(registers[i:])
		if eight == 0 {
			counts[0] += 8
			continue
		}
		for j := 0; j < 64; j += 16 {
			counts[eight>>j&63]++
			odd[eight>>(j+8)&63]++
		}
	}
	for v, n := range odd {
		counts[v] += n
	}
	return counts
}

// alpha and beta are those of the library, which does not export them (LogLog-Beta, Qin, Kim, Tung 2016).
func alpha(m float64) float64 {
	switch m {
	case 16:
		return 0.673
	case 32:
		return 0.697
	case 64:
		return 0.709
	}
	return 0.7213 / (1 + 1.079/m)
}

func beta(p int, none float64) float64 {
	c, l := &betas[p], math.Log(none+1)
	return c[0]*none + c[1]*l + c[2]*math.Pow(l, 2) + c[3]*math.Pow(l, 3) +
		c[4]*math.Pow(l, 4) + c[5]*math.Pow(l, 5) + c[6]*math.Pow(l, 6) + c[7]*math.Pow(l, 7)
}

// betas are the coefficients by precision.
var betas = [17][8]float64{
	4:  {-0.582581413904517, -1.935300357560050, 11.079323758035073, -22.131357446444323, 22.505391846630037, -12.000723834917984, 3.220579408194167, -0.342225302271235},
	5:  {-0.7518999460733967, -0.9590030077748760, 5.5997371322141607, -8.2097636999765520, 6.5091254894472037, -2.6830293734323729, 0.5612891113138221, -0.0463331622196545},
	6:  {29.8257900969619634, -31.3287083337725925, -10.5942523036582283, -11.5720125689099618, 3.8188754373907492, -2.4160130328530811, 0.4542208940970826, -0.0575155452020420},
	7:  {2.8102921290820060, -3.9780498518175995, 1.3162680041351582, -3.9252486335805901, 2.0080835753946471, -0.7527151937556955, 0.1265569894242751, -0.0109946438726240},
	8:  {1.00633544887550519, -2.00580666405112407, 1.64369749366514117, -2.70560809940566172, 1.39209980244222598, -0.46470374272183190, 0.07384282377269775, -0.00578554885254223},
	9:  {-0.09415657458167959, -0.78130975924550528, 1.71514946750712460, -1.73711250406516338, 0.86441508489048924, -0.23819027465047218, 0.03343448400269076, -0.00207858528178157},
	10: {-0.25935400670790054, -0.52598301999805808, 1.48933034925876839, -1.29642714084993571, 0.62284756217221615, -0.15672326770251041, 0.02054415903878563, -0.00112488483925502},
	11: {-0.432325553856025, -0.108450736399632, 0.609156550741120, -0.0165687801845180, -0.0795829341087617, 0.0471830602102918, -0.00781372902346934, 0.000584268708489995},
	12: {-0.384979202588598, 0.183162233114364, 0.130396688841854, 0.0704838927629266, -0.0089589397146453, 0.0113010036741605, -0.00194285569591290, 0.000225435774024964},
	13: {-0.41655270946462997, -0.22146677040685156, 0.38862131236999947, 0.45340979746062371, -0.36264738324476375, 0.12304650053558529, -0.01701540384555510, 0.00102750367080838},
	14: {-0.371009760230692, 0.00978811941207509, 0.185796293324165, 0.203015527328432, -0.116710521803686, 0.0431106699492820, -0.00599583540511831, 0.000449704299509437},
	15: {-0.38215145543875273, -0.89069400536090837, 0.37602335774678869, 0.99335977440682377, -0.65577441638318956, 0.18332342129703610, -0.02241529633062872, 0.00121399789330194},
	16: {-0.37331876643753059, -1.41704077448122989, 0.40729184796612533, 1.56152033906584164, -0.99242233534286128, 0.26064681399483092, -0.03053811369682807, 0.00155770210179105},
}

// libraryEstimate asks the library itself.
func libraryEstimate(registers []uint8) uint64 {
	n := len(registers)
	// The library's own encoding, version 2, of a sketch without the sparse form.
	b := make([]byte, 0, 8+n)
	b = append(b, 2, uint8(bits.TrailingZeros(uint(n))), 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	var s hyperloglog.Sketch
	if err := s.UnmarshalBinary(append(b, registers...)); err != nil {
		panic("counter: estimate: " + err.Error())
	}
	return s.Estimate()
}

// Registers are read eight at a time.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stride is how many registers at a time are looked at first: of a small app, nearly all are zeros.
const stride = 128

var zeros [stride]uint8

// unset says whether the stride that begins at i, if one does, has only zeros.
func unset(registers []uint8, i int) bool {
	return i%stride == 0 && i+stride <= len(registers) && string(registers[i:i+stride]) == string(zeros[:])
}

// ValidRegisters says what is wrong with registers: their number, or a value that cannot be.
func ValidRegisters(registers []uint8) error {
	p := bits.TrailingZeros(uint(len(registers)))
	if len(registers) != 1<<p || p < 4 || p > 16 {
		return fmt.Errorf("%d registers: want 2^4 to 2^16", len(registers))
	}
	highest := maxRegister(uint8(p))
	for i := 0; i < len(registers); i += 8 {
		if unset(registers, i) {
			i += stride - 8
			continue
		}
		eight := binary.LittleEndian.Uint64(registers[i:])
		if eight == 0 || (eight|(eight&^highs+uint64(127-highest)*ones))&highs == 0 {
			continue
		}
		for j, v := range registers[i : i+8] {
			if v > highest {
				return fmt.Errorf("register %d of %d holds %d, at most %d is possible", i+j, len(registers), v, highest)
			}
		}
	}
	return nil
}

// mergeRegisters makes each register at least that of from. Both are as many, and valid.
func mergeRegisters(into, from []uint8) {
	for i := 0; i < len(from); i += 8 {
		if unset(from, i) {
			i += stride - 8
			continue
		}
		b := binary.LittleEndian.Uint64(from[i:])
		if b == 0 {
			continue
		}
		a := binary.LittleEndian.Uint64(into[i:])
		keep := ((a | highs) - b) & highs >> 7 * 0xff // bytes of a that are at least those of b; none reaches 128
		binary.LittleEndian.PutUint64(into[i:], a&keep|b&^keep)
	}
}
