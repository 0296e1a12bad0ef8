-- What operators and developers have done: each entry is chained to the one before it by its hash (docs/guide/audit.md).
-- The entry's text is what is hashed; actor and subject are read out of it, so that nothing stands beside the chain.
CREATE TABLE audit (
  number  INTEGER PRIMARY KEY,
  entry   TEXT NOT NULL,
  hash    BLOB NOT NULL,
  actor   TEXT GENERATED ALWAYS AS (entry ->> '$.actor') VIRTUAL,
  subject TEXT GENERATED ALWAYS AS (entry ->> '$.subject') VIRTUAL
) STRICT;
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX audit_by_subject ON audit (subject, number);
CREATE TRIGGER audit_entry_changed BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_entry_removed BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
-- Also against INSERT OR REPLACE, which removes without asking the trigger above.
CREATE TRIGGER audit_entry_out_of_turn BEFORE INSERT ON audit
  WHEN new.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM audit) BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit log comes right behind the last one');
END;
