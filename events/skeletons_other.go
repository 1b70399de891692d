//go:build !amd64

package events

func (s *skeletons) find(b []byte) int { return s.findPlain(b) }
