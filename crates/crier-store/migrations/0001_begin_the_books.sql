-- The first books: people, applications, sessions, acceptances, stories, and what running nodes must notice.
-- Times ending in _ms are milliseconds since 1970; `expires` of a session is in seconds, as on the wire.

-- Who can open the sealed columns: a known text, sealed with the key file that belongs to this database.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers that never come back, also after the row that carried them is gone.
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, last) VALUES ('story', 0);

CREATE TABLE app (
  id                INTEGER PRIMARY KEY,
  api_key           TEXT NOT NULL UNIQUE,
  secret            BLOB NOT NULL,
  previous_secret   BLOB,
  previous_until_ms INTEGER,
  name              TEXT NOT NULL COLLATE NOCASE UNIQUE,
  owner             INTEGER NOT NULL,
  kind              TEXT NOT NULL,
  profile           TEXT NOT NULL,
  call_id           TEXT NOT NULL,
  feed_errors       TEXT NOT NULL,
  feed_reply        TEXT NOT NULL,
  image_links       TEXT NOT NULL,
  live_text         TEXT NOT NULL,
  signature         TEXT NOT NULL,
  jsonp             INTEGER NOT NULL,
  strictness        TEXT NOT NULL,
  allow_ip          TEXT NOT NULL,
  calls_per_minute  INTEGER NOT NULL,
  callback          TEXT NOT NULL,
  canvas            TEXT NOT NULL,
  origins           TEXT NOT NULL,
  icon              TEXT NOT NULL,
  canvas_ss         INTEGER NOT NULL,
  receipts          TEXT NOT NULL,
  native_clients    INTEGER NOT NULL,
  post_authorize    TEXT NOT NULL,
  post_remove       TEXT NOT NULL,
  enabled           INTEGER NOT NULL,
  created_ms        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX app_by_canvas ON app (canvas) WHERE canvas <> '';
CREATE INDEX app_by_owner ON app (owner);

CREATE TABLE user (
  uid           INTEGER PRIMARY KEY,
  name          TEXT NOT NULL COLLATE NOCASE UNIQUE,
  password_hash TEXT,
  admin         INTEGER NOT NULL,
  enabled       INTEGER NOT NULL,
  created_ms    INTEGER NOT NULL,
  time_zone     TEXT NOT NULL
) STRICT;

CREATE TABLE login (
  token      BLOB PRIMARY KEY,
  user       INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_by_user ON login (user);
CREATE INDEX login_by_expiry ON login (expires_ms);

CREATE TABLE login_link (
  token      BLOB PRIMARY KEY,
  user       INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_link_by_user ON login_link (user);
CREATE INDEX login_link_by_expiry ON login_link (expires_ms);

-- AUTOINCREMENT: the key of an ended session may be given again and must then get another number, and so another call order.
CREATE TABLE session (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  key        TEXT NOT NULL UNIQUE,
  app        INTEGER NOT NULL,
  user       INTEGER NOT NULL,
  secret     BLOB NOT NULL,
  expires    INTEGER,
  kind       TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_user ON session (user, app);
CREATE INDEX session_by_app ON session (app);
CREATE INDEX session_by_expiry ON session (expires) WHERE expires IS NOT NULL;

CREATE TABLE auth_token (
  token      BLOB PRIMARY KEY,
  app        INTEGER NOT NULL,
  state      TEXT NOT NULL,
  user       INTEGER,
  lasting    INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX auth_token_by_user ON auth_token (user) WHERE user IS NOT NULL;
CREATE INDEX auth_token_by_expiry ON auth_token (expires_ms);

CREATE TABLE "grant" (
  user           INTEGER NOT NULL,
  app            INTEGER NOT NULL,
  feed           INTEGER NOT NULL,
  added          INTEGER NOT NULL,
  offline_access INTEGER NOT NULL,
  granted_ms     INTEGER NOT NULL,
  PRIMARY KEY (user, app)
) STRICT, WITHOUT ROWID;

-- One row for each user with a record: the place of the last story.
CREATE TABLE feed_head (
  user      INTEGER PRIMARY KEY,
  last_seq  INTEGER NOT NULL,
  last_view INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows lie by user and place, so that the newest of one user are read from few pages.
CREATE TABLE story (
  user          INTEGER NOT NULL,
  seq           INTEGER NOT NULL,
  id            INTEGER NOT NULL UNIQUE,
  app           INTEGER NOT NULL,
  title         TEXT NOT NULL,
  body          TEXT,
  priority      INTEGER,
  priority_text TEXT,
  exempt        INTEGER NOT NULL,
  published_ms  INTEGER NOT NULL,
  hidden_ms     INTEGER,
  PRIMARY KEY (user, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE story_slot (
  story      INTEGER NOT NULL,
  slot       INTEGER NOT NULL,
  source_url TEXT,
  source_pid INTEGER,
  link       TEXT NOT NULL,
  state      TEXT NOT NULL,
  PRIMARY KEY (story, slot)
) STRICT, WITHOUT ROWID;

-- What the twelve hours count from.
CREATE TABLE feed_window (
  app     INTEGER NOT NULL,
  user    INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  story   INTEGER NOT NULL,
  PRIMARY KEY (app, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_window_by_user ON feed_window (user);

-- Accepted values of call_id in a text that sorts as the values do; what is younger lies in the file call_order.log.
CREATE TABLE call_order (
  session INTEGER NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (session, value)
) STRICT, WITHOUT ROWID;

-- Facts that running nodes must notice. `origin` names the process that wrote it, so that it does not obey itself twice.
CREATE TABLE change (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms  INTEGER NOT NULL,
  fact   TEXT NOT NULL,
  a      INTEGER NOT NULL,
  b      INTEGER,
  origin INTEGER NOT NULL
) STRICT;

-- Units that were applied, so that a repeated one is not applied twice; pruned by age.
CREATE TABLE unit (
  number INTEGER PRIMARY KEY,
  id     BLOB NOT NULL UNIQUE,
  at_ms  INTEGER NOT NULL,
  made   TEXT NOT NULL
) STRICT;
