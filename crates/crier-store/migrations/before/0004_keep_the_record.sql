-- Rows of the schema before migration 4, so that it runs on books that are in use.
INSERT INTO user (uid, name, password_hash, admin, enabled, created_ms, time_zone) VALUES
  (7, 'ada', NULL, 0, 1, 1795291200000, 'UTC'), (8, 'bo', NULL, 0, 1, 1795291200000, 'UTC');
INSERT INTO "grant" (user, app, feed, added, offline_access, granted_ms) VALUES
  (7, 5, 1, 1, 0, 1795291200001), (8, 4, 1, 1, 0, 1795291200002), (8, 5, 0, 1, 0, 1795291200003);
INSERT INTO feed_head (user, last_seq) VALUES (8, 3);
INSERT INTO story (user, seq, id, app, title, body, priority, priority_text, exempt, published_ms, hidden_ms) VALUES
  (8, 1, 1, 4, 'a title', 'a <b>body</b>', 7, NULL, 0, 1795291200010, NULL),
  (8, 2, 2, 5, 'put away', NULL, NULL, 'very', 0, 1795291200020, 1795291200500),
  (8, 3, 3, 4, 'to himself', NULL, NULL, NULL, 1, 1795291200030, NULL);
INSERT INTO story_slot (story, slot, source_url, source_pid, link, state) VALUES
  (1, 1, 'http://x.example/a.png', NULL, 'http://x.example/1', 'pending'),
  (1, 3, NULL, 99, 'http://x.example/3', 'pending'),
  (2, 2, 'http://x.example/a.png', NULL, 'http://x.example/2', 'pending');
INSERT INTO feed_window (app, user, last_ms, story) VALUES (4, 8, 1795291200010, 1), (5, 8, 1795291200020, 2);
UPDATE counter SET last = 3 WHERE name = 'story';
