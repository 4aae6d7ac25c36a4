package outbox

// Schema returns the steps that make the tables: step i leads from version i to
// version i+1. The caller keeps the version and runs each step in a transaction.
func Schema() []string {
	return []string{
		// The payload comes last, so that the other columns are read without
		// following its overflow pages.
		`CREATE TABLE outbox (
			seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
			lane     INTEGER NOT NULL,
			topic    TEXT NOT NULL,
			retain   INTEGER NOT NULL,
			key      TEXT NOT NULL,
			after    TEXT NOT NULL,
			created  INTEGER NOT NULL,                  -- Unix milliseconds
			expires  INTEGER NOT NULL,                  -- Unix milliseconds, 0 for never
			attempts INTEGER NOT NULL DEFAULT 0,        -- of processes that ended well
			payload  BLOB NOT NULL
		) STRICT;
		CREATE INDEX outbox_lane ON outbox (lane, seq);
		CREATE INDEX outbox_topic ON outbox (topic, seq);
		CREATE INDEX outbox_key ON outbox (key, seq) WHERE key <> '';
		CREATE INDEX outbox_expires ON outbox (expires) WHERE expires > 0;
		CREATE TABLE outbox_sender (
			sending INTEGER NOT NULL, -- 1 while a process may have sent what is not noted
			suspect INTEGER NOT NULL  -- up to this sequence a killed process may have sent
		) STRICT;
		INSERT INTO outbox_sender (sending, suspect) VALUES (0, 0);`,
	}
}
