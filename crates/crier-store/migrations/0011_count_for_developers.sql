-- What an application's developers learn in numbers, counted by hour and by UTC day; `hour` is where either begins, in hours since
-- 1970, `span` how many hours it has. Hours and days are let go by age, each by its own.
CREATE TABLE insight (
  app    INTEGER NOT NULL,
  span   INTEGER NOT NULL,
  hour   INTEGER NOT NULL,
  series TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (app, span, hour, series)
) STRICT, WITHOUT ROWID;
CREATE INDEX insight_by_age ON insight (span, hour);

-- Picture slots know which application has published their story, so that an application's are found without its stories.
ALTER TABLE story_slot ADD COLUMN publisher INTEGER NOT NULL DEFAULT 0;
UPDATE story_slot SET publisher = coalesce((SELECT app FROM story WHERE story.id = story_slot.story), 0);
CREATE INDEX story_slot_by_publisher ON story_slot (publisher, state, cause);
