-- Stories that administrators have taken down: what their developers are told of.
CREATE INDEX story_taken_down ON story (app, blanked_ms) WHERE blanked_by = 'takedown';
