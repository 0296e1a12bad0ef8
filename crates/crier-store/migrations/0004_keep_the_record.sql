-- The record of each feed: what was done in it, what was served of it, what it is ranked by, and the pictures of its stories.

-- A story's marks (feed 1.1). `kind` is a word, so that one of a newer version is met as what it is.
ALTER TABLE story ADD COLUMN kind TEXT NOT NULL DEFAULT 'story';
ALTER TABLE story ADD COLUMN first_shown_ms INTEGER;
ALTER TABLE story ADD COLUMN reported TEXT;
ALTER TABLE story ADD COLUMN reported_ms INTEGER;
ALTER TABLE story ADD COLUMN thumb_ms INTEGER;
ALTER TABLE story ADD COLUMN clicked_ms INTEGER;
ALTER TABLE story ADD COLUMN views INTEGER NOT NULL DEFAULT 0;
ALTER TABLE story ADD COLUMN best_slot INTEGER;
ALTER TABLE story ADD COLUMN last_verdict TEXT;
ALTER TABLE story ADD COLUMN blanked_ms INTEGER;
ALTER TABLE story ADD COLUMN blanked_by TEXT;
-- Stories with this id or a smaller one have lost their text by age.
INSERT INTO counter (name, last) VALUES ('blanked_story', 0);

-- What is fetched: one row for each address, at most one job for each row. A row is a job while `due_ms` says when it is due.
CREATE TABLE source (
  hash          BLOB PRIMARY KEY,
  url           TEXT NOT NULL,
  state         TEXT NOT NULL,
  due_ms        INTEGER,
  attempts      INTEGER NOT NULL DEFAULT 0,
  cause         TEXT,
  app           INTEGER NOT NULL,
  etag          TEXT,
  last_modified TEXT,
  fetched_ms    INTEGER,
  failed_ms     INTEGER,
  image         BLOB,
  picture       BLOB,
  created_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX source_by_due ON source (state, due_ms);
CREATE INDEX source_by_app ON source (app) WHERE due_ms IS NOT NULL;
CREATE INDEX source_by_picture ON source (picture) WHERE picture IS NOT NULL;

-- Our results. `refs` counts sources and photos that have it; `used_hour` is the hour since 1970 in which it was served last.
CREATE TABLE picture (
  number    INTEGER PRIMARY KEY,
  hash      BLOB NOT NULL UNIQUE,
  type      TEXT NOT NULL,
  width     INTEGER NOT NULL,
  height    INTEGER NOT NULL,
  refs      INTEGER NOT NULL,
  used_hour INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  bytes     BLOB NOT NULL
) STRICT;
CREATE INDEX picture_by_use ON picture (used_hour);

CREATE TABLE photo (
  pid        INTEGER PRIMARY KEY,
  owner      INTEGER NOT NULL,
  app        INTEGER NOT NULL,
  caption    TEXT NOT NULL,
  image      BLOB NOT NULL,
  big        BLOB NOT NULL,
  normal     BLOB NOT NULL,
  small      BLOB NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX photo_by_owner ON photo (owner);
CREATE INDEX photo_by_app ON photo (app);

-- Hashes of images and pictures that are refused under any address.
CREATE TABLE picture_block (
  hash       BLOB PRIMARY KEY,
  blocked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Slots name their source by its hash from now on; the addresses move to the sources, which wait to be fetched.
INSERT INTO source (hash, url, state, due_ms, app, created_ms)
  SELECT sha256(source_url), source_url, 'waiting', max(story.published_ms), min(story.app), min(story.published_ms)
  FROM story_slot JOIN story ON story.id = story_slot.story WHERE source_url IS NOT NULL GROUP BY source_url;
CREATE TABLE slot_with_picture (
  story     INTEGER NOT NULL,
  slot      INTEGER NOT NULL,
  source    BLOB,
  pid       INTEGER,
  link      TEXT NOT NULL,
  state     TEXT NOT NULL,
  picture   BLOB,
  type      TEXT,
  width     INTEGER,
  height    INTEGER,
  attempts  INTEGER NOT NULL DEFAULT 0,
  refetches INTEGER NOT NULL DEFAULT 0,
  cause     TEXT,
  PRIMARY KEY (story, slot)
) STRICT, WITHOUT ROWID;
INSERT INTO slot_with_picture (story, slot, source, pid, link, state)
  SELECT story, slot, CASE WHEN source_url IS NOT NULL THEN sha256(source_url) END, source_pid, link,
    CASE WHEN source_url IS NOT NULL THEN state ELSE 'removed' END
  FROM story_slot;
DROP TABLE story_slot;
ALTER TABLE slot_with_picture RENAME TO story_slot;
CREATE INDEX story_slot_by_source ON story_slot (source) WHERE source IS NOT NULL;
CREATE INDEX story_slot_by_pid ON story_slot (pid) WHERE pid IS NOT NULL;
CREATE INDEX story_slot_by_picture ON story_slot (picture) WHERE picture IS NOT NULL;

-- What happened in a record, in the same count of places as its stories (feed 5.6). `value` is the slider's stop, the switch's
-- side, the report's reason, or the kind of act that an undo took back.
CREATE TABLE feed_event (
  user  INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind  TEXT NOT NULL,
  app   INTEGER NOT NULL,
  story INTEGER,
  view  INTEGER,
  value TEXT,
  PRIMARY KEY (user, seq)
) STRICT, WITHOUT ROWID;
-- Acts of people on an application's stories, for its figures.
CREATE INDEX feed_event_by_app ON feed_event (app, at_ms, kind, user)
  WHERE kind IN ('clicked', 'hidden', 'reported', 'thumbed');

-- `missed` and `shown` are lists in JSON: [[application, views missed]…] before the view, and the stories in order.
CREATE TABLE feed_view (
  user    INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  at_ms   INTEGER NOT NULL,
  moment  INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  version INTEGER NOT NULL,
  missed  TEXT NOT NULL,
  exempt  TEXT NOT NULL,
  shown   TEXT NOT NULL,
  pages   INTEGER NOT NULL,
  PRIMARY KEY (user, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_view_by_time ON feed_view (at_ms);

CREATE TABLE feed_missed (
  user   INTEGER NOT NULL,
  app    INTEGER NOT NULL,
  missed INTEGER NOT NULL,
  PRIMARY KEY (user, app)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_preference (
  user   INTEGER NOT NULL,
  app    INTEGER NOT NULL,
  slider INTEGER NOT NULL,
  PRIMARY KEY (user, app)
) STRICT, WITHOUT ROWID;

-- Acts in the hour in which they were done, each story once (feed 4.5); `hour` counts from 1970.
CREATE TABLE app_hour (
  app      INTEGER NOT NULL,
  hour     INTEGER NOT NULL,
  shown    INTEGER NOT NULL DEFAULT 0,
  clicked  INTEGER NOT NULL DEFAULT 0,
  thumbed  INTEGER NOT NULL DEFAULT 0,
  hidden   INTEGER NOT NULL DEFAULT 0,
  reported INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (app, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX app_hour_by_hour ON app_hour (hour);

-- The sums of the 168 hours before, computed once and kept.
CREATE TABLE app_bucket (
  app      INTEGER NOT NULL,
  hour     INTEGER NOT NULL,
  shown    INTEGER NOT NULL,
  clicked  INTEGER NOT NULL,
  thumbed  INTEGER NOT NULL,
  hidden   INTEGER NOT NULL,
  reported INTEGER NOT NULL,
  q        INTEGER NOT NULL,
  bucket   INTEGER NOT NULL,
  PRIMARY KEY (app, hour)
) STRICT, WITHOUT ROWID;
-- Hours whose buckets have been computed, also where no application had a count.
CREATE TABLE bucket_hour (
  hour INTEGER PRIMARY KEY
) STRICT;

-- Acts of a user on an application's stories in a UTC day, counted from 1970; undone ones are taken out.
CREATE TABLE user_app_day (
  user     INTEGER NOT NULL,
  app      INTEGER NOT NULL,
  day      INTEGER NOT NULL,
  clicked  INTEGER NOT NULL DEFAULT 0,
  thumbed  INTEGER NOT NULL DEFAULT 0,
  hidden   INTEGER NOT NULL DEFAULT 0,
  reported INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user, app, day)
) STRICT, WITHOUT ROWID;

-- Every set of ranking constants that was ever in force. Rows are never changed and never removed.
CREATE TABLE ranking_config (
  version  INTEGER PRIMARY KEY,
  text     TEXT NOT NULL UNIQUE,
  since_ms INTEGER NOT NULL
) STRICT;

-- Addresses of private feeds: the token is kept as a hash alone.
CREATE TABLE feed_address (
  token      BLOB PRIMARY KEY,
  number     INTEGER NOT NULL UNIQUE,
  user       INTEGER NOT NULL,
  label      TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_address_by_user ON feed_address (user);
INSERT INTO counter (name, last) VALUES ('feed_address', 0);

-- Records begin with how things stand: acceptances, switches that are off, and stories that were put away.
CREATE TEMP TABLE beginning AS
  SELECT user, 1 AS place, app AS rank, granted_ms AS at_ms, 'granted' AS kind, app, NULL AS story, NULL AS value FROM "grant"
  UNION ALL SELECT user, 2, app, granted_ms, 'switched', app, NULL, 'off' FROM "grant" WHERE feed = 0
  UNION ALL SELECT user, 3, seq, hidden_ms, 'hidden', app, id, NULL FROM story WHERE hidden_ms IS NOT NULL;
INSERT INTO feed_head (user, last_seq) SELECT DISTINCT user, 0 FROM beginning WHERE true ON CONFLICT (user) DO NOTHING;
INSERT INTO feed_event (user, seq, at_ms, kind, app, story, value)
  SELECT beginning.user, feed_head.last_seq + row_number() OVER (PARTITION BY beginning.user ORDER BY place, rank), at_ms, kind, app, story, value
  FROM beginning JOIN feed_head ON feed_head.user = beginning.user;
UPDATE feed_head SET last_seq = last_seq + (SELECT count(*) FROM feed_event WHERE feed_event.user = feed_head.user);
CREATE TEMP TABLE acts AS
  SELECT feed_event.user, feed_event.app, at_ms FROM feed_event JOIN story ON story.id = feed_event.story WHERE NOT exempt;
INSERT INTO app_hour (app, hour, hidden)
  SELECT app, at_ms / 3600000, count(*) FROM acts GROUP BY app, at_ms / 3600000;
INSERT INTO user_app_day (user, app, day, hidden)
  SELECT user, app, at_ms / 86400000, count(*) FROM acts GROUP BY user, app, at_ms / 86400000;
DROP TABLE acts;
DROP TABLE beginning;
