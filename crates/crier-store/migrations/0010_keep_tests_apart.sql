-- Who is there for tests alone, and whose test application and test people they are.
CREATE TABLE test_app (
  app   INTEGER PRIMARY KEY,
  owner INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE test_person (
  user  INTEGER PRIMARY KEY,
  owner INTEGER NOT NULL
) STRICT;
CREATE INDEX test_person_by_owner ON test_person (owner);

-- A mark goes with what it marks, whoever takes that away.
CREATE TRIGGER test_app_leaves AFTER DELETE ON app BEGIN
  DELETE FROM test_app WHERE app = OLD.id;
END;
CREATE TRIGGER test_person_leaves AFTER DELETE ON user BEGIN
  DELETE FROM test_person WHERE user = OLD.uid;
END;

-- The people of an application, the newest first.
CREATE INDEX grant_by_app ON "grant" (app, granted_ms, user);
