-- +goose Up

-- Past what invoices are held, as the closing was begun with it; NULL: a release that kept none began it.
ALTER TABLE closings ADD COLUMN limits text COLLATE "C";
