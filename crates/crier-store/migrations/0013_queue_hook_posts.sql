-- Posts that tell applications who has accepted them and who has withdrawn (hooks `post_authorize` and `post_remove`), queued with
-- what they tell. `session` and `expires` stand with an acceptance alone.
CREATE TABLE hook_post (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  app      INTEGER NOT NULL,
  user     INTEGER NOT NULL,
  hook     TEXT NOT NULL,
  added    INTEGER NOT NULL,
  session  TEXT,
  expires  INTEGER,
  at_ms    INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_post_by_turn ON hook_post (app, hook, due_ms);
CREATE INDEX hook_post_by_user ON hook_post (app, user);
CREATE INDEX hook_post_by_due ON hook_post (due_ms);
CREATE INDEX hook_post_by_age ON hook_post (at_ms);

-- What the queue is bounded by, counted where it changes: posts of each application, and under 0 of all.
CREATE TABLE hook_queue (
  app     INTEGER PRIMARY KEY,
  waiting INTEGER NOT NULL
) STRICT;
CREATE TRIGGER hook_post_queued AFTER INSERT ON hook_post BEGIN
  INSERT INTO hook_queue (app, waiting) VALUES (new.app, 1), (0, 1) ON CONFLICT (app) DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER hook_post_gone AFTER DELETE ON hook_post BEGIN
  UPDATE hook_queue SET waiting = waiting - 1 WHERE app IN (old.app, 0);
  DELETE FROM hook_queue WHERE app = old.app AND waiting = 0;
END;

-- Posts that left unposted: for newer ones, and for their age.
INSERT INTO counter (name, last) VALUES ('hook_posts_dropped', 0), ('hook_posts_expired', 0);
