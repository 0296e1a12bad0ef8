-- Mailboxes in durable mode: heads, and each message with what became of it, until its outcome is forgotten.

-- Messages of a mailbox's present life have the number `first` or a higher one.
CREATE TABLE mailbox (
  app        INTEGER NOT NULL,
  user       INTEGER NOT NULL,
  epoch      BLOB NOT NULL,
  first      INTEGER NOT NULL,
  last       INTEGER NOT NULL,
  low        INTEGER NOT NULL,
  low_reason TEXT NOT NULL,
  used_ms    INTEGER NOT NULL,
  sum        BLOB NOT NULL,
  PRIMARY KEY (app, user)
) STRICT, WITHOUT ROWID;

-- Rows lie in the order they came, so that a group of them fills few pages. `text` is gone when the message has left its mailbox.
-- `claim` and `outcome` are the hub's words, each with its own checksum at its end; `sum` covers all that never changes.
CREATE TABLE message (
  number       INTEGER PRIMARY KEY,
  app          INTEGER NOT NULL,
  user         INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  id           BLOB NOT NULL,
  sender       INTEGER NOT NULL,
  sent_ms      INTEGER NOT NULL,
  expires_ms   INTEGER NOT NULL,
  via          TEXT NOT NULL,
  event        TEXT NOT NULL,
  text         TEXT,
  collapse_key TEXT,
  fanout       TEXT NOT NULL,
  claim        BLOB NOT NULL,
  outcome      BLOB NOT NULL,
  sum          BLOB NOT NULL
) STRICT;

-- The highest wall time that came with a write to a mailbox: a clock that steps back revives no message.
INSERT INTO counter (name, last) VALUES ('mailbox_wall_ms', 0);
