package profile

// Sent returns what is sent to switch an output of a serial device on and off; nil of one
// that is switched in another way.
func (o *Output) Sent() (on, off []byte) {
	if !o.Send {
		return nil, nil
	}
	p, _ := parsePattern(o.On.Text) // both have been checked
	q, _ := parsePattern(o.Off.Text)
	return p.value, q.value
}
