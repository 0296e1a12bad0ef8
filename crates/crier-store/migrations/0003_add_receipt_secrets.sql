-- What signs an application's receipts, sealed like its other secrets, and since when a receiver wants none (410).
ALTER TABLE app ADD COLUMN receipt_secret BLOB;
ALTER TABLE app ADD COLUMN previous_receipt_secret BLOB;
ALTER TABLE app ADD COLUMN previous_receipt_until_ms INTEGER;
ALTER TABLE app ADD COLUMN receipts_ended_ms INTEGER;
ALTER TABLE app ADD COLUMN receipts_ended_address TEXT;
