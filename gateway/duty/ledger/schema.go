package ledger

// steps lead from one version of the tables to the next. Times are Unix milliseconds, 0 for
// none; booleans are 0 and 1, in both databases.
func steps() []string {
	return []string{`
		CREATE TABLE counter (n BIGINT NOT NULL);
		INSERT INTO counter (n) VALUES (0);
		CREATE TABLE alerts (
			id           TEXT PRIMARY KEY,
			gateway      TEXT NOT NULL,   -- prefix, street, community and name, as in topics
			rev          BIGINT NOT NULL,
			state        TEXT NOT NULL,
			is_open      BIGINT NOT NULL,
			kind         TEXT NOT NULL,
			device       TEXT NOT NULL,
			grid         TEXT NOT NULL,
			zone         TEXT NOT NULL,
			severity     BIGINT NOT NULL,
			synced       BIGINT NOT NULL, -- the gateway's clock was right
			detected     BIGINT NOT NULL,
			heard        BIGINT NOT NULL, -- first, by our clock
			acknowledged BIGINT NOT NULL,
			handled      BIGINT NOT NULL,
			respond_by   BIGINT NOT NULL,
			handle_by    BIGINT NOT NULL,
			doc          BLOB NOT NULL,   -- the newest revision
			seq          BIGINT NOT NULL,
			confirmed    BIGINT NOT NULL  -- when the gateway last spoke of it
		);
		CREATE INDEX alerts_open ON alerts (is_open, gateway);
		CREATE INDEX alerts_seq ON alerts (seq);
		CREATE INDEX alerts_detected ON alerts (detected);
		CREATE TABLE steps (
			alert TEXT NOT NULL,
			rev   BIGINT NOT NULL,
			at    BIGINT NOT NULL,
			state TEXT NOT NULL,
			who   TEXT NOT NULL,
			note  TEXT NOT NULL,
			late  TEXT NOT NULL, -- alert.Overdue
			PRIMARY KEY (alert, rev)
		);
		CREATE TABLE answers (
			id     TEXT PRIMARY KEY,
			alert  TEXT NOT NULL,
			action TEXT NOT NULL,
			who    TEXT NOT NULL,
			note   TEXT NOT NULL,
			at     BIGINT NOT NULL,
			due    BIGINT NOT NULL, -- when it is to be sent next
			tries  BIGINT NOT NULL,
			status TEXT NOT NULL
		);
		CREATE INDEX answers_alert ON answers (alert);
		CREATE INDEX answers_due ON answers (status, due);
		CREATE TABLE thumbs (alert TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
		CREATE TABLE gateways (
			path    TEXT PRIMARY KEY,
			state   TEXT NOT NULL,
			since   BIGINT NOT NULL,
			plans   BLOB NOT NULL,
			seq     BIGINT NOT NULL
		);
		CREATE TABLE audit (
			id     TEXT PRIMARY KEY,
			at     BIGINT NOT NULL,
			who    TEXT NOT NULL,
			what   TEXT NOT NULL,
			alert  TEXT NOT NULL,
			detail TEXT NOT NULL
		);
		CREATE INDEX audit_at ON audit (at);
		CREATE TABLE sessions (
			token   TEXT PRIMARY KEY, -- SHA-256 of it, in hexadecimal
			account TEXT NOT NULL,
			csrf    TEXT NOT NULL,
			person  TEXT NOT NULL,    -- who is on duty at this screen
			created BIGINT NOT NULL,
			seen    BIGINT NOT NULL
		);`}
}

// beside are tables that stand beside those of the version: an older sentrybox that comes back does without.
func beside() []string {
	return []string{`CREATE TABLE IF NOT EXISTS asked ( -- alerts whose picture was asked for by itself
			alert   TEXT PRIMARY KEY,
			gateway TEXT NOT NULL,
			at      BIGINT NOT NULL
		)`}
}
