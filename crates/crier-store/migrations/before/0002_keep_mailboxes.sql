-- Rows of the schema before migration 2, so that it runs on books that are in use.
INSERT INTO user (uid, name, password_hash, admin, enabled, created_ms, time_zone) VALUES
  (7, 'ada', NULL, 0, 1, 1795291200000, 'UTC'), (8, 'bo', NULL, 0, 1, 1795291200000, 'UTC');
INSERT INTO app (id, api_key, secret, name, owner, kind, profile, call_id, feed_errors, feed_reply, image_links, live_text,
  signature, jsonp, strictness, allow_ip, calls_per_minute, callback, canvas, origins, icon, canvas_ss, receipts, native_clients,
  post_authorize, post_remove, enabled, created_ms) VALUES
  (4, '00000000000000000000000000000004', x'00', 'App 4', 7, 'web', 'documented', 'required', 'documented', 'scalar', 'http',
   'any', 'md5', 0, 'strict', '', 0, '', '', '', '', 0, '', 0, '', '', 1, 1795291200000);
INSERT INTO "grant" (user, app, feed, added, offline_access, granted_ms) VALUES (8, 4, 1, 1, 0, 1795291200000);
INSERT INTO session (key, app, user, secret, expires, kind, created_ms) VALUES
  ('0123456789abcdef01234567-8', 4, 8, x'00', NULL, 'fixed', 1795291200000);
INSERT INTO feed_head (user, last_seq) VALUES (8, 1);
INSERT INTO story (user, seq, id, app, title, body, priority, priority_text, exempt, published_ms, hidden_ms) VALUES
  (8, 1, 1, 4, 'a title', NULL, NULL, NULL, 0, 1795291200000, NULL);
UPDATE counter SET last = 1 WHERE name = 'story';
INSERT INTO change (at_ms, fact, a, b, origin) VALUES (1795291200000, 'feed', 8, NULL, 1);
