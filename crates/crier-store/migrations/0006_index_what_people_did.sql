-- What people did in their feeds, little beside what was shown to them: all that a view of the past needs of it lies together.
CREATE INDEX feed_event_done ON feed_event (user, seq, at_ms, kind, app, story, view, value)
  WHERE kind IN ('clicked', 'hidden', 'reported', 'undone', 'thumbed', 'unthumbed', 'slider', 'switched', 'granted', 'withdrawn');
