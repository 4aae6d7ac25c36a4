package lora

// Deframer takes frames out of what a module in transparent mode has heard. It
// checks their form and CRC, no more. It is for one goroutine.
type Deframer struct {
	// RSSI says that the module appends a byte of signal strength to every packet.
	RSSI bool
	// Frame gets each frame, which is valid until it returns, and the byte that
	// followed it, 0 where there was none.
	Frame func(frame []byte, rssi byte)

	buf   [MaxLine]byte
	n     int
	skip  bool   // to the next zero
	held  []byte // in buf: a frame that waits for its RSSI byte
	noise uint64
}

// Noise returns how many bytes belonged to no frame.
func (d *Deframer) Noise() uint64 { return d.noise }

// Waiting says whether a frame waits for the byte of its signal.
func (d *Deframer) Waiting() bool { return d.held != nil }

// Write takes what the module says.
func (d *Deframer) Write(p []byte) {
	for _, c := range p {
		switch {
		case d.held != nil:
			d.release(c)
		case c == 0:
			d.end()
		case d.skip:
			d.noise++
		case d.n == len(d.buf):
			d.noise += uint64(d.n) + 1
			d.n, d.skip = 0, true
		default:
			d.buf[d.n] = c
			d.n++
		}
	}
}

// Idle tells that the module has been silent for longer than it takes between two
// bytes of a packet. What is still incomplete stays.
func (d *Deframer) Idle() {
	if d.held != nil {
		d.release(0)
	}
}

func (d *Deframer) release(rssi byte) {
	frame := d.held
	d.held = nil
	d.Frame(frame, rssi)
}

// end is a zero: the end of a frame, or before the next one.
func (d *Deframer) end() {
	piece := d.buf[:d.n]
	tooLong, n := d.skip, d.n
	d.n, d.skip = 0, false
	if len(piece) == 0 && !tooLong {
		return
	}
	frame, ok := unstuff(piece)
	switch {
	case tooLong || !ok || !whole(frame):
		d.noise += uint64(n)
	case d.RSSI:
		d.held = frame
	default:
		d.Frame(frame, 0)
	}
}
