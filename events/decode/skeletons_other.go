//go:build purego || !amd64

package decode

func (s *skeletons) index(_ []byte, p *places) { p.n = unknownPlaces }

func (s *skeletons) find(b []byte, p *places) int {
	if p.n == noPlaces {
		return -1
	}
	return s.findPlain(b, p)
}
