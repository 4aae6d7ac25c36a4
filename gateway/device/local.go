package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/payload"
)

// maxPlain bounds the values of one message without a profile.
const maxPlain = 64

var errPlain = errors.New("neither a number nor a JSON object with numbers")

// TakeLocal takes a message that a sensor has published at the local broker. It is false
// if no sensor of the name does that.
func (h *Hub) TakeLocal(id string, m driver.Message) bool {
	h.mu.Lock()
	s := h.sensors[id]
	h.mu.Unlock()
	if s == nil || s.Bus != "" || s.Decode == nil {
		return false
	}
	values, err := decode(s.Decode, m)
	h.show(Heard{At: time.Now(), Message: m, Read: []Read{{id, values, err}}})
	return h.Take(id, Message{Values: values, Err: err})
}

// Plain is the Decoder of a sensor without a profile: a number, on, off, open or closed on
// sensors/{id}/{quantity}, or a JSON object of numbers and booleans on sensors/{id}.
func Plain(m driver.Message) ([]Value, error) {
	parts := strings.Split(m.Section, "/")
	if len(parts) == 3 {
		v, ok := payload.Number(string(m.Data))
		if !ok {
			return nil, errPlain
		}
		return []Value{{Quantity: parts[2], Number: v}}, nil
	}
	var object map[string]any
	if len(parts) != 2 || json.Unmarshal(m.Data, &object) != nil {
		return nil, errPlain
	}
	var all []Value
	for name, x := range object {
		v := Value{Quantity: name}
		switch x := x.(type) {
		case float64:
			v.Number = x
		case bool:
			if x {
				v.Number = 1
			}
		default:
			continue
		}
		if name == "" || len(name) > maxText {
			continue
		}
		if all = append(all, v); len(all) > maxPlain {
			return nil, fmt.Errorf("more than %d values", maxPlain)
		}
	}
	if len(all) == 0 {
		return nil, errPlain
	}
	return all, nil
}
