package modbus

import (
	"errors"
	"fmt"
	"time"
)

const (
	// maxPatience is the most that a unit gets of whose time the configuration says nothing: many
	// answer within 50 ms, some that measure first after a second.
	maxPatience = 4 * defaultTimeout
	// eager is how many misses in a row have the next try be longer. After that a unit is away, and
	// costs the others little, but for one try in so many.
	eager, rarely = 3, 16
)

// patience is how long units may think of which the configuration says nothing. One that has not
// answered gets more the next time, and one that has keeps twice what it took.
type patience struct {
	config  Config
	learned map[byte]time.Duration // by address
	missed  map[byte]int           // in a row
}

func (p *patience) of(u Unit) time.Duration {
	if set := p.config.timeout(u); set != 0 {
		return set
	}
	wait := max(p.learned[u.Address], defaultTimeout)
	switch n := p.missed[u.Address]; {
	case n < eager:
		return min(wait<<n, maxPatience)
	case (n+int(u.Address))%rarely == 0: // not all in one round
		return maxPatience
	}
	return wait
}

// note learns from an exchange.
func (p *patience) note(u Unit, err error, took time.Duration) {
	var e Exception
	switch {
	case err == nil || errors.As(err, &e):
		p.learned[u.Address], p.missed[u.Address] = min(2*took, maxPatience), 0
	case errors.Is(err, errTimeout), errors.Is(err, errGarbled):
		p.missed[u.Address]++
	}
}

// exchange is the link's, with a unit that gets the time that it needs.
func (b *bus) exchange(u Unit, r request) ([]byte, error) {
	began, think := time.Now(), b.patience.of(u)
	pdu, err := b.link.exchange(r, think)
	b.patience.note(u, err, time.Since(began))
	if errors.Is(err, errTimeout) {
		err = fmt.Errorf("%w within %v", err, think)
	}
	return pdu, err
}
