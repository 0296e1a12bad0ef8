-- What queue and cache are bounded by, counted where it changes so that no writer can forget it.

-- Jobs that wait or run: of each application, and under 0 of all.
CREATE TABLE picture_queue (
  app     INTEGER PRIMARY KEY,
  waiting INTEGER NOT NULL
) STRICT;
INSERT INTO picture_queue (app, waiting) SELECT app, count(*) FROM source WHERE due_ms IS NOT NULL GROUP BY app;
INSERT INTO picture_queue (app, waiting) SELECT 0, count(*) FROM source WHERE due_ms IS NOT NULL;
CREATE TRIGGER job_added AFTER INSERT ON source WHEN new.due_ms IS NOT NULL BEGIN
  INSERT INTO picture_queue (app, waiting) VALUES (new.app, 1), (0, 1) ON CONFLICT (app) DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER job_ended AFTER UPDATE OF due_ms, app ON source WHEN old.due_ms IS NOT NULL BEGIN
  UPDATE picture_queue SET waiting = waiting - 1 WHERE app IN (old.app, 0);
END;
CREATE TRIGGER job_begun AFTER UPDATE OF due_ms, app ON source WHEN new.due_ms IS NOT NULL BEGIN
  INSERT INTO picture_queue (app, waiting) VALUES (new.app, 1), (0, 1) ON CONFLICT (app) DO UPDATE SET waiting = waiting + 1;
END;
DROP INDEX source_by_app;
CREATE INDEX source_by_app ON source (app, due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX source_by_image ON source (image) WHERE image IS NOT NULL;
CREATE INDEX story_slot_waiting ON story_slot (source) WHERE state = 'pending';

-- What each application has fetched in an hour since 1970.
CREATE TABLE app_fetch (
  app     INTEGER NOT NULL,
  hour    INTEGER NOT NULL,
  fetches INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (app, hour)
) STRICT, WITHOUT ROWID;

-- Bytes of all pictures, and who has each.
INSERT INTO counter (name, last) VALUES ('picture_bytes', 0);
UPDATE counter SET last = (SELECT coalesce(sum(size), 0) FROM picture) WHERE name = 'picture_bytes';
CREATE TRIGGER picture_added AFTER INSERT ON picture BEGIN
  UPDATE counter SET last = last + new.size WHERE name = 'picture_bytes';
END;
CREATE TRIGGER picture_gone AFTER DELETE ON picture BEGIN
  UPDATE counter SET last = last - old.size WHERE name = 'picture_bytes';
END;
CREATE TRIGGER source_takes AFTER UPDATE OF picture ON source WHEN new.picture IS NOT old.picture BEGIN
  UPDATE picture SET refs = refs - 1 WHERE hash = old.picture;
  UPDATE picture SET refs = refs + 1 WHERE hash = new.picture;
END;
CREATE TRIGGER photo_takes AFTER INSERT ON photo BEGIN
  UPDATE picture SET refs = refs + (hash = new.big) + (hash = new.normal) + (hash = new.small) WHERE hash IN (new.big, new.normal, new.small);
END;
CREATE TRIGGER photo_leaves AFTER DELETE ON photo BEGIN
  UPDATE picture SET refs = refs - (hash = old.big) - (hash = old.normal) - (hash = old.small) WHERE hash IN (old.big, old.normal, old.small);
END;
CREATE INDEX photo_by_image ON photo (image);
CREATE INDEX photo_by_big ON photo (big);
CREATE INDEX photo_by_normal ON photo (normal);
CREATE INDEX photo_by_small ON photo (small);
