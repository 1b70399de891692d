package recount

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headcount/verify/report"
)

// Loss is a loss of log that the operator accepted, as the state store has it on record.
type Loss struct {
	Cluster   string    `json:"cluster"`
	TopicID   string    `json:"topic_id"`
	Partition int32     `json:"partition"`
	Number    int       `json:"number"`
	Accepted  time.Time `json:"accepted"`
	From      int64     `json:"from"` // offsets, half open
	To        int64     `json:"to"`
	Reason    string    `json:"reason"`

	file string
}

func (x *Loss) String() string {
	return fmt.Sprintf("partition %d: offsets %d to %d were lost (%s), and the loss was accepted on %s (%s)", x.Partition, x.From, x.To-1, x.Reason, x.Accepted.Format(time.RFC3339), x.file)
}

// File is where it is on record.
func (x *Loss) File() string { return x.file }

// Losses are those on record of the closing's partitions.
type Losses struct {
	All        []*Loss
	Concerning []*Loss // that may have taken events of the month
}

// ReadLosses reads the losses on record.
func ReadLosses(ctx context.Context, s *Subject, sealed Sealed, r *report.Report) (Losses, error) {
	var out Losses
	for _, id := range s.Closing.Partitions {
		for n := 1; ; n++ {
			file := fmt.Sprintf("%s/gaps/%d-%d.gap", s.folder, id, n)
			text, err := readFile(ctx, s.Files, file)
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return out, unreachable(err)
			}
			x, err := s.readLoss(text, id, n)
			if err != nil {
				r.Wrong("accepted losses", file, "a record that can be read", err.Error())
				continue
			}
			x.file = file
			out.All = append(out.All, x)
			if s.concerns(ctx, x, sealed[id]) {
				out.Concerning = append(out.Concerning, x)
			}
		}
	}
	return out, nil
}

func (s *Subject) readLoss(text []byte, id int32, n int) (*Loss, error) {
	doc, err := openDocument(text, "gap", 1)
	if err != nil {
		return nil, err
	}
	x := &Loss{}
	if err := json.Unmarshal(doc, x, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if x.Cluster != s.Closing.Cluster || x.TopicID != s.Closing.TopicID || x.Partition != id || x.Number != n {
		return nil, fmt.Errorf("it is number %d of partition %d of topic id %s", x.Number, x.Partition, x.TopicID)
	}
	x.Reason = strings.TrimPrefix(x.Reason, "=")
	return x, nil
}

// concerns says whether a loss may have taken events of the month: of what lies from the seal of the month before the last up to
// the month's own, which may have been written anew where the log was cut off. Where the month before the last was closed late, it may
// lie before that seal too, unless the month had not begun anywhere, by any clock that is right to a day, when it was accepted.
func (s *Subject) concerns(ctx context.Context, x *Loss, sealed *SealedFile) bool {
	behind := sealed != nil && x.From > sealed.Offset
	if !x.Accepted.Before(time.Date(int(s.Month)/12, time.Month(int(s.Month)%12+1), -1, 0, 0, 0, 0, time.UTC)) {
		return !behind || x.Accepted.Before(s.Closing.At) // then the seal came after the loss, in a log that was cut since
	}
	if behind {
		return false
	}
	after := int64(-1)
	if early, err := readIndex(ctx, s.Files, s.indexOf(x.Partition, (s.Month-2).String())); err == nil {
		after = early.Offset
	}
	return x.To > after
}

// LostSealError says that the log has lost the seal of the month before, in a partition whose sealed month was taken as it stands.
type LostSealError struct {
	partition int32
	offset    int64
	month     string
	lost      string
}

func (e LostSealError) Error() string {
	return fmt.Sprintf("partition %d of the log goes on with the seal of %s at offset %d where that of %s is lost, and that loss was accepted: what of %s was late cannot be told from it", e.partition, e.month, e.offset, e.lost, e.lost)
}

// followsLost says whether the seal of a month comes next although the log has lost the one before it: it does where that loss, as it is
// told by the seal's offset and those of what is sealed, is on record.
func (p *partition) followsLost(ctx context.Context, s *sealData, m Month, offset int64) bool {
	if s.Previous == nil {
		return false
	}
	lost, ok := ParseMonth(s.Previous.Month)
	if !ok || lost <= p.sealed || lost >= m {
		return false
	}
	sealed := func(m Month) *index {
		x, err := readIndex(ctx, p.s.Files, p.s.indexOf(p.id, m.String()))
		if err != nil {
			return nil
		}
		return x
	}
	x := sealed(lost)
	if x == nil {
		return false
	}
	from, to := min(x.Offset, offset), max(offset, x.Offset+1)
	if early := sealed(m - 2); early != nil {
		to = max(to, early.Offset+1)
	}
	return slices.ContainsFunc(p.accepted, func(l *Loss) bool { return l.Partition == p.id && l.From == from && l.To == to })
}

// openDocument takes a document of the state store apart: a line that says what it is, a line of JSON, the hash of both.
func openDocument(text []byte, kind string, want int) ([]byte, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines) != 4 || len(lines[3]) != 0 {
		return nil, errors.New("it has not three lines")
	}
	if sum := hashOf(bytes.Join(lines[:2], nil)) + "\n"; sum != string(lines[2]) {
		return nil, fmt.Errorf("its last line is %s, its content hashes to %s", bytes.TrimSpace(lines[2]), sum[:len(sum)-1])
	}
	number, ok := bytes.CutPrefix(lines[0], []byte("headcount "+kind+" "))
	if !ok {
		return nil, fmt.Errorf("it begins with %.40q", lines[0])
	}
	is, err := strconv.Atoi(string(number[:len(number)-1]))
	if err != nil {
		return nil, fmt.Errorf("it begins with %.40q", lines[0])
	}
	return lines[1], version(is, want)
}

// version refuses what another release has written in another form.
func version(is, want int) error {
	if is != want {
		return fmt.Errorf("it is of version %d, this program reads version %d: use the release that wrote it", is, want)
	}
	return nil
}
