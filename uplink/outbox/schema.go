package outbox

// Schema returns the steps that make the tables: step i leads from version i to
// version i+1. The caller keeps the version and runs each step in a transaction.
func Schema() []string {
	return []string{
		// The payload comes last, so that the other columns are read without
		// following its overflow pages.
		//
		// A row's head is 1 for the first row of each topic and 0 for the others,
		// so that what may be sent is found without a look at what waits behind it.
		`CREATE TABLE outbox (
			seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
			place    INTEGER NOT NULL,                  -- in the queue: seq, or that of what it replaced
			lane     INTEGER NOT NULL,
			head     INTEGER NOT NULL,
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
		CREATE INDEX outbox_head ON outbox (lane, place) WHERE head = 1;
		CREATE INDEX outbox_topic ON outbox (topic, place);
		CREATE INDEX outbox_key ON outbox (key, place) WHERE key <> '';
		CREATE INDEX outbox_expires ON outbox (expires) WHERE expires > 0;
		CREATE TRIGGER outbox_next AFTER DELETE ON outbox WHEN OLD.head = 1 BEGIN
			UPDATE outbox SET head = 1 WHERE seq = (SELECT seq FROM outbox WHERE topic = OLD.topic ORDER BY place LIMIT 1);
		END;
		CREATE TABLE outbox_sender (
			sending INTEGER NOT NULL, -- 1 while a process may have sent what is not noted
			suspect INTEGER NOT NULL  -- up to this sequence a killed process may have sent
		) STRICT;
		INSERT INTO outbox_sender (sending, suspect) VALUES (0, 0);`,
		// A lane is measured by its index alone.
		`ALTER TABLE outbox ADD COLUMN size INTEGER NOT NULL DEFAULT 0; -- bytes, with the overhead
		UPDATE outbox SET size = length(payload) + length(CAST(topic AS BLOB)) + 200;
		DROP INDEX outbox_lane;
		CREATE INDEX outbox_lane ON outbox (lane, seq, created, size);
		CREATE TABLE outbox_dropped (
			lane  INTEGER PRIMARY KEY,
			items INTEGER NOT NULL,
			bytes INTEGER NOT NULL
		) STRICT;`,
		`ALTER TABLE outbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 0; -- within the lane; the lower goes first
		DROP INDEX outbox_head;
		CREATE INDEX outbox_head ON outbox (lane, rank, place) WHERE head = 1;`,
	}
}

// Urgent is the SQL of the rows of the table outbox that a backup is worth: alerts
// and replies.
const Urgent = "lane <= 1"

// Mend is the SQL that makes an outbox whole of which rows were left out.
const Mend = `UPDATE outbox SET head = seq = (SELECT o.seq FROM outbox o WHERE o.topic = outbox.topic ORDER BY o.place LIMIT 1)`
