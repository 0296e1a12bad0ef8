-- Stories that were reported and still have their text: what administrators look at.
CREATE INDEX story_reported ON story (reported_ms) WHERE reported IS NOT NULL AND blanked_ms IS NULL;
