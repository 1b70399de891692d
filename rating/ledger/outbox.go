package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Message is a record of the outbox.
type Message struct {
	ID    int64 // of MarkSent
	Month Month // of the close that made it
	Value []byte
}

// Outbox returns the messages that have no mark yet, in order. A message may have been sent all the same: whoever sent it may
// have ended before the mark. So it is sent at least once.
func (l *Ledger) Outbox(ctx context.Context) (all []Message, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT o.entry, o.month, o.message FROM outbox o LEFT JOIN sent s ON s.outbox = o.entry
			WHERE s.outbox IS NULL ORDER BY o.entry`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m Message
			if err := rows.Scan(&m.ID, &m.Month, &m.Value); err != nil {
				return err
			}
			m.Value = present(m.Value)
			all = append(all, m)
		}
		return rows.Err()
	})
	return all, wrap(err, "read the outbox")
}

// MarkSent records that the log has these messages. Marks that are there already are left alone.
func (l *Ledger) MarkSent(ctx context.Context, ids ...int64) error {
	err := l.write(ctx, func(a *appender) error {
		for _, id := range ids {
			var month string
			var mark sql.NullInt64
			err := a.tx.QueryRowContext(ctx, `SELECT o.month, s.entry FROM outbox o LEFT JOIN sent s ON s.outbox = o.entry
				WHERE o.entry = $1`, id).Scan(&month, &mark)
			if errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("message %d: %w", id, ErrNotFound)
			}
			if err != nil {
				return err
			}
			if mark.Valid {
				continue
			}
			if _, err := a.add(month, &sentRecord{Outbox: id, At: a.now}); err != nil {
				return err
			}
			if err := a.flush(); err != nil { // so that an id given twice is found
				return err
			}
		}
		return nil
	})
	return wrap(err, "mark messages as sent")
}

// messageRecord is a message as the chain has it.
type messageRecord struct {
	Message string `json:"message"` // digest

	message []byte
}

func (*messageRecord) kind() string { return "message" }

func (r *messageRecord) covered() []covered {
	return []covered{{outbox, 0, "message", &r.Message, &r.message}}
}

func (r *messageRecord) rows(month string) ([]row, error) {
	return []row{{outbox, []any{month, r.message}}}, nil
}

// sentRecord is a message's mark as the chain has it.
type sentRecord struct {
	Outbox int64  `json:"outbox"` // seq of the message's entry
	At     string `json:"at"`
}

func (*sentRecord) kind() string       { return "sent" }
func (*sentRecord) covered() []covered { return nil }

func (r *sentRecord) rows(string) ([]row, error) {
	return []row{{sent, []any{r.Outbox, r.At}}}, nil
}
