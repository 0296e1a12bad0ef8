-- Rows of the schema before migration 3, so that it runs on books that are in use.
INSERT INTO app (id, api_key, secret, name, owner, kind, profile, call_id, feed_errors, feed_reply, image_links, live_text,
  signature, jsonp, strictness, allow_ip, calls_per_minute, callback, canvas, origins, icon, canvas_ss, receipts, native_clients,
  post_authorize, post_remove, enabled, created_ms) VALUES
  (4, '00000000000000000000000000000004', x'00', 'App 4', 7, 'web', 'documented', 'required', 'documented', 'scalar', 'http',
   'any', 'md5', 0, 'strict', '[]', 0, '', '', '[]', '', 0, 'https://game.example/r', 0, '', '', 1, 1795291200000);
