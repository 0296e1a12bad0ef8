-- What an erasure leaves: which record a head is of, places whose rows are gone, and tombstones (feed 1.2).

-- `record` is another number when rows below the head have gone: whoever holds the record in memory reads it anew. `gone` counts
-- the places of those rows.
ALTER TABLE feed_head ADD COLUMN record INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feed_head ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
INSERT INTO counter (name, last) VALUES ('feed_record', 0);

-- Applications that are erased and whose stories still have their places; in whose records, and the last place before the erasure.
CREATE TABLE erased_app (
  app       INTEGER PRIMARY KEY,
  erased_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE tombstone (
  app  INTEGER NOT NULL,
  user INTEGER NOT NULL,
  upto INTEGER NOT NULL,
  PRIMARY KEY (app, user)
) STRICT, WITHOUT ROWID;

-- Windows say who has stories of an application; exempt ones have no window.
CREATE INDEX story_exempt ON story (app, user) WHERE exempt = 1;

-- Texts as priorities go with the other texts.
UPDATE story SET priority_text = NULL WHERE blanked_ms IS NOT NULL;
