-- Icons of applications (feed 6.2): which address each one's icon comes from, and at what size a source is made into a picture.
ALTER TABLE source ADD COLUMN side INTEGER NOT NULL DEFAULT 75;
CREATE TABLE app_icon (
  app    INTEGER PRIMARY KEY,
  url    TEXT NOT NULL,
  source BLOB NOT NULL
) STRICT;
CREATE INDEX app_icon_by_source ON app_icon (source);
CREATE INDEX app_with_icon ON app (id) WHERE icon <> '';

-- An application as it is read: with the picture of its icon, if that is here.
CREATE VIEW app_row AS
  SELECT app.*, picture.hash AS picture, picture.type AS type, picture.width AS width, picture.height AS height
  FROM app LEFT JOIN app_icon ON app_icon.app = app.id AND app_icon.url = app.icon
  LEFT JOIN source ON source.hash = app_icon.source LEFT JOIN picture ON picture.hash = source.picture;
