package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"sentrybox/gateway/password"
	"sentrybox/hack/postgres"
	"sentrybox/hack/spawn"
)

const (
	brokers     = 3
	consolePass = "street console"
	startWithin = time.Minute
)

// machines are the brokers, the database and the consoles.
type machines struct {
	dir      string
	nats     [brokers]*exec.Cmd
	mqtt     [brokers]int // ports
	cluster  [brokers]int
	client   [brokers]int
	db       *sql.DB
	pg       *postgres.Server
	consoles []*console
}

func (m *machines) brokers() (all []string) {
	for _, p := range m.mqtt {
		all = append(all, "tcp://127.0.0.1:"+strconv.Itoa(p))
	}
	return all
}

func (m *machines) start(ctx context.Context, program string) error {
	say("starting a PostgreSQL")
	var err error
	if m.pg, err = postgres.Start(ctx, m.dir); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if m.db, err = sql.Open("pgx", m.pg.DSN); err != nil {
		return err
	}
	say("starting three brokers")
	if err := m.startBrokers(ctx); err != nil {
		return fmt.Errorf("start the brokers: %w", err)
	}
	for n := range 2 {
		c, err := m.startConsole(ctx, program, n)
		if err != nil {
			return fmt.Errorf("start a console: %w", err)
		}
		m.consoles = append(m.consoles, c)
	}
	return nil
}

func (m *machines) startBrokers(ctx context.Context) (err error) {
	for _, ports := range []*[brokers]int{&m.mqtt, &m.cluster, &m.client} {
		for i := range ports {
			if ports[i], err = spawn.FreePort(); err != nil {
				return err
			}
		}
	}
	for i := range brokers {
		if err := m.startBroker(i); err != nil {
			return err
		}
	}
	for i := range brokers {
		if err := reach(ctx, m.mqtt[i]); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second) // JetStream chooses a leader
	return nil
}

func (m *machines) startBroker(i int) error {
	var routes []string
	for _, p := range m.cluster {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	conf := fmt.Sprintf(`
server_name: n%d
listen: 127.0.0.1:%d
jetstream { store_dir: %q, max_mem: 256MB, max_file: 2GB }
cluster { name: street, listen: 127.0.0.1:%d, routes: [%s] }
mqtt { listen: 127.0.0.1:%d, stream_replicas: 3, consumer_replicas: 1, max_ack_pending: 1000 }
`, i, m.client[i], filepath.Join(m.dir, fmt.Sprintf("js%d", i)), m.cluster[i], strings.Join(routes, ", "), m.mqtt[i])
	path := filepath.Join(m.dir, fmt.Sprintf("nats%d.conf", i))
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return err
	}
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program = "/usr/sbin/nats-server"
	}
	m.nats[i] = exec.Command(program, "-c", path, "-l", filepath.Join(m.dir, fmt.Sprintf("nats%d.log", i)))
	m.nats[i].SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return m.nats[i].Start()
}

func reach(ctx context.Context, port int) error {
	var d net.Dialer
	for end := time.Now().Add(startWithin); ; time.Sleep(100 * time.Millisecond) {
		c, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return err
		}
	}
}

func (m *machines) killBroker(i int) {
	_ = m.nats[i].Process.Kill()
	_ = m.nats[i].Wait()
}

func (m *machines) restartBroker(ctx context.Context, i int) error {
	if m.nats[i].ProcessState == nil { // it was never killed
		return nil
	}
	if err := m.startBroker(i); err != nil {
		return err
	}
	return reach(ctx, m.mqtt[i])
}

func (m *machines) startConsole(ctx context.Context, program string, n int) (*console, error) {
	port, err := spawn.FreePort()
	if err != nil {
		return nil, err
	}
	doc := fmt.Sprintf(`name: console %d
data: %q
listen: 127.0.0.1:%d
level: street
database: %q
brokers:
- {url: "mqtt://127.0.0.1:%d"}
- {url: "mqtt://127.0.0.1:%d"}
users: [{name: duty, hash: %q}]
`, n, filepath.Join(m.dir, fmt.Sprintf("duty%d", n)), port, m.pg.DSN, m.mqtt[n], m.mqtt[n+1], password.New(consolePass))
	path := filepath.Join(m.dir, fmt.Sprintf("duty%d.yaml", n))
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		return nil, err
	}
	c := &console{url: fmt.Sprintf("http://127.0.0.1:%d", port), cmd: exec.Command(program, "duty", "--config", path)}
	log, err := os.Create(filepath.Join(m.dir, fmt.Sprintf("duty%d.log", n)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := reach(ctx, port); err != nil {
		return nil, err
	}
	return c, c.signIn(ctx)
}

func (m *machines) asked() (n int) {
	for _, c := range m.consoles {
		n += c.asked()
	}
	return n
}

// settled waits until the ledger has every alert and every answer has been through, and returns how
// many are lost and how many answers were.
func (m *machines) settled(ctx context.Context, f *fleet, most time.Duration) (lost, acked int, took time.Duration, err error) {
	for end := time.Now().Add(most); ; time.Sleep(500 * time.Millisecond) {
		have := map[string]bool{}
		acked = 0
		states, err := m.states(ctx)
		if err != nil {
			return 0, 0, 0, err
		}
		for id, state := range states {
			have[id] = true
			if state == "acknowledged" {
				acked++
			}
		}
		lost = 0
		for _, id := range f.raised() {
			if !have[id] {
				lost++
			}
		}
		if lost == 0 && acked >= m.asked() || time.Now().After(end) {
			return lost, acked, time.Since(f.lastRaised()), nil
		}
	}
}

// states returns the state of each alert in the ledger.
func (m *machines) states(ctx context.Context) (map[string]string, error) {
	rows, err := m.db.QueryContext(ctx, `SELECT id, state FROM alerts`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return nil, err
		}
		all[id] = state
	}
	return all, rows.Err()
}

func (m *machines) stop() error {
	for _, c := range m.consoles {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
	for _, n := range m.nats {
		if n != nil && n.ProcessState == nil {
			_ = n.Process.Kill()
			_ = n.Wait()
		}
	}
	if m.db != nil {
		_ = m.db.Close()
	}
	if m.pg != nil {
		return m.pg.Stop()
	}
	return nil
}
