package modbustest

import (
	"encoding/binary"
	"io"
	"sync"
	"time"

	"sentrybox/drivers/modbus"
)

// Piece is what a unit puts on the line, so long after it began to answer.
type Piece struct {
	After time.Duration
	Data  []byte
}

// Fault makes of a unit's answer what comes on the line. Nil is the answer, at once.
type Fault func(answer []byte) []Piece

// Bus is an RTU line with units. Units work side by side, as on a real line: one that is
// late may answer while another is asked.
type Bus struct {
	line io.ReadWriter

	mu     sync.Mutex
	units  map[byte]*Unit
	faults map[byte]Fault
	asked  map[byte]int
	echo   bool
}

// NewBus returns a bus on a line, the far end of what the driver has open.
func NewBus(line io.ReadWriter) *Bus {
	return &Bus{line: line, units: map[byte]*Unit{}, faults: map[byte]Fault{}, asked: map[byte]int{}}
}

// Attach puts a unit on the bus.
func (b *Bus) Attach(address byte, u *Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.units[address] = u
}

// Misbehave sets what becomes of a unit's answers; nil ends it.
func (b *Bus) Misbehave(address byte, f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[address] = f
}

// Echo has the line repeat what is sent on it, as some adapters do.
func (b *Bus) Echo(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.echo = on
}

// Asked returns how many requests a unit has had.
func (b *Bus) Asked(address byte) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[address]
}

// Serve answers until the line fails, and returns its error when all answers have been given.
func (b *Bus) Serve() error {
	queues := map[byte]chan []byte{}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		for _, q := range queues {
			close(q)
		}
	}()
	var got []byte
	buf := make([]byte, 256)
	for {
		n, err := b.line.Read(buf)
		if err != nil {
			return err
		}
		got = append(got, buf[:n]...)
		b.mu.Lock()
		echo := b.echo
		b.mu.Unlock()
		if echo {
			if _, err := b.line.Write(buf[:n]); err != nil {
				return err
			}
		}
		for {
			unit, pdu, rest := request(got)
			if pdu == nil {
				got = rest
				break
			}
			got = rest
			b.mu.Lock()
			b.asked[unit]++
			there := b.units[unit] != nil
			b.mu.Unlock()
			if !there {
				continue
			}
			if queues[unit] == nil {
				q := make(chan []byte, 64)
				queues[unit] = q
				wg.Go(func() { b.work(unit, q) })
			}
			select {
			case queues[unit] <- pdu:
			default: // a device has no longer memory
			}
		}
	}
}

// work answers a unit's requests in order.
func (b *Bus) work(address byte, requests <-chan []byte) {
	for pdu := range requests {
		b.mu.Lock()
		u, fault := b.units[address], b.faults[address]
		b.mu.Unlock()
		answer := Frame(address, u.answer(pdu))
		if fault == nil {
			fault = func(answer []byte) []Piece { return []Piece{{Data: answer}} }
		}
		begin := time.Now()
		for _, p := range fault(answer) {
			time.Sleep(time.Until(begin.Add(p.After)))
			if _, err := b.line.Write(p.Data); err != nil {
				break
			}
		}
	}
}

// Frame puts a PDU into an RTU frame.
func Frame(address byte, pdu []byte) []byte {
	b := append([]byte{address}, pdu...)
	return binary.LittleEndian.AppendUint16(b, modbus.CRC(b))
}

// request finds the next request in what was received. Without one, rest is what may be the beginning of one.
func request(b []byte) (unit byte, pdu, rest []byte) {
	for i := range b {
		left := b[i:]
		if len(left) < 8 {
			return 0, nil, left
		}
		n := 8
		if left[1] == 15 || left[1] == 16 {
			n = 9 + int(left[6])
		}
		if len(left) < n {
			return 0, nil, left
		}
		if modbus.CRC(left[:n-2]) == binary.LittleEndian.Uint16(left[n-2:]) {
			return left[0], append([]byte{}, left[1:n-2]...), left[n:]
		}
	}
	return 0, nil, nil
}
