package broker

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sentrybox/gateway/password"
)

// Role is a set of topics, all below the gateway's prefix, that a user may read
// and write.
type Role string

// The roles. Duty reads everything and writes ack/+ and cmd/+. Reader reads
// everything. Sensor writes below sensors/{name} and reads only that.
const (
	Duty   Role = "duty"
	Reader Role = "reader"
	Sensor Role = "sensor"
)

// User may sign in.
type User struct {
	Name     string
	Password string // in clear, if Hash is empty
	Hash     string // by Hash
	Role     Role   // or none
	// Read and Write are further topic filters, relative to the prefix.
	Read, Write []string
}

// rights are whole topic filters.
type rights struct{ read, write []string }

func (r *rights) may(topic string, write bool) bool {
	list := r.read
	if write {
		list = r.write
	}
	return slices.ContainsFunc(list, func(f string) bool { return covers(f, topic) })
}

// account is a User made ready.
type account struct {
	rights
	hash  *password.Hash
	plain [sha256.Size]byte // of the password, if hash is nil
}

// users knows everybody who may sign in.
type users struct {
	accounts map[string]*account
	nobody   *password.Hash // stands in for users that are not there, so that they take as long
	anyone   *rights        // what is allowed without a name, nil for nothing
	// hashing is held for each hash, which takes its memory: one at a time.
	hashing sync.Mutex
}

func newUsers(cfg *Config) (*users, error) {
	u := &users{accounts: map[string]*account{}}
	nobody, err := password.Parse(password.New(""))
	if err != nil {
		return nil, err
	}
	u.nobody = &nobody
	for _, user := range cfg.Users {
		if _, twice := u.accounts[user.Name]; twice || user.Name == "" {
			return nil, fmt.Errorf("user %q is there twice or has no name", user.Name)
		}
		a := &account{rights: cfg.rights(user), plain: sha256.Sum256([]byte(user.Password))}
		for _, f := range slices.Concat(a.read, a.write) {
			if !validFilter(f) {
				return nil, fmt.Errorf("user %q: topic filter %q", user.Name, f)
			}
		}
		if user.Hash != "" {
			h, err := password.Parse(user.Hash)
			if err != nil {
				return nil, fmt.Errorf("user %q: %w", user.Name, err)
			}
			a.hash = &h
		} else if user.Password == "" {
			return nil, fmt.Errorf("user %q has no password", user.Name)
		}
		u.accounts[user.Name] = a
	}
	if len(cfg.Users) == 0 {
		all := cfg.rights(User{Role: Duty})
		all.write = append(all.write, cfg.Prefix+"/sensors/#")
		u.anyone = &all
	}
	return u, nil
}

func (cfg *Config) rights(user User) rights {
	var r rights
	below := func(filters ...string) []string {
		var all []string
		for _, f := range filters {
			all = append(all, cfg.Prefix+"/"+f)
		}
		return all
	}
	var births []string // Home Assistant says there that it has come up
	for _, root := range cfg.Roots {
		births = append(births, strings.TrimSuffix(root, "#")+"status")
	}
	switch user.Role {
	case Duty:
		r = rights{read: append(below("#"), cfg.Roots...), write: append(below("ack/+", "cmd/+"), births...)}
	case Reader:
		r = rights{read: append(below("#"), cfg.Roots...), write: births}
	case Sensor:
		own := below("sensors/" + user.Name + "/#")
		r = rights{read: own, write: own}
	}
	r.read, r.write = append(r.read, below(user.Read...)...), append(r.write, below(user.Write...)...)
	return r
}

// signIn returns what somebody may do, or false.
func (u *users) signIn(name, secret string, given bool) (*rights, bool) {
	if u.anyone != nil {
		return u.anyone, true
	}
	a, known := u.accounts[name]
	if known && a.hash == nil {
		sum := sha256.Sum256([]byte(secret))
		return &a.rights, given && subtle.ConstantTimeCompare(sum[:], a.plain[:]) == 1
	}
	h := u.nobody
	if known {
		h = a.hash
	}
	u.hashing.Lock()
	fits := h.Fits(secret)
	u.hashing.Unlock()
	if !known || !given || !fits {
		return nil, false
	}
	return &a.rights, true
}
