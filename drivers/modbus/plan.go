package modbus

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// task is what is done with a unit at an interval: sections that are read
// together, or a look whether it is there.
type task struct {
	unit     Unit
	table    Table
	sections []Section // by their start; none for a look
	every    time.Duration
	// apart asks for each section by itself, since the unit has refused them together.
	apart bool
}

func (t *task) device() string { return name(t.unit) }

// name is a unit's Message.Device.
func name(u Unit) string { return strconv.Itoa(int(u.Address)) }

// span is a range of a table.
type span struct{ start, count int }

func (s span) end() int { return s.start + s.count }

func (s Section) span() span { return span{int(s.Start), int(s.Count)} }

// scale is how many registers, or bits, stand for a register.
func (t Table) scale() int {
	if t.bits() {
		return bitsPerWord
	}
	return 1
}

// max is the longest read of a table of the unit.
func (u Unit) max(t Table) int {
	n := u.Quirks.Max
	if n == 0 {
		n = maxRegisters
	}
	return n * t.scale()
}

func (u Unit) gap(t Table) int {
	n := u.Quirks.Gap
	if n == 0 {
		n = defaultGap
	}
	return max(n, 0) * t.scale()
}

// plan groups the sections of a unit into as few tasks as its limits let it.
func plan(u Unit) []*task {
	sections := slices.Clone(u.Sections)
	slices.SortStableFunc(sections, func(a, b Section) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Every, b.Every), cmp.Compare(a.Start, b.Start))
	})
	var tasks []*task
	for _, s := range sections {
		if len(tasks) > 0 {
			last := tasks[len(tasks)-1]
			joined := join(last.span(), s.span())
			if last.table == s.Table && last.every == s.Every &&
				int(s.Start) <= last.span().end()+u.gap(s.Table) && joined.count <= u.max(s.Table) {
				last.sections = append(last.sections, s)
				continue
			}
		}
		tasks = append(tasks, &task{unit: u, table: s.Table, sections: []Section{s}, every: s.Every})
	}
	if len(tasks) == 0 { // outputs alone
		tasks = append(tasks, &task{unit: u, table: u.Outputs[0].Table, every: presence})
	}
	return tasks
}

func join(a, b span) span {
	start := min(a.start, b.start)
	return span{start, max(a.end(), b.end()) - start}
}

// span is what the task reads, if it reads all at once.
func (t *task) span() span {
	all := t.sections[0].span()
	for _, s := range t.sections[1:] {
		all = join(all, s.span())
	}
	return all
}

// reads are the requests that read a range.
func (t *task) reads(s span) []request {
	var all []request
	for at := s.start; at < s.end(); {
		n := min(s.end()-at, t.unit.max(t.table))
		all = append(all, request{unit: t.unit.Address, table: t.table, start: uint16(at), count: uint16(n)})
		at += n
	}
	return all
}

// cut takes a section out of the data of a range.
func cut(data []byte, from span, s Section) []byte {
	at, n := int(s.Start)-from.start, int(s.Count)
	if !s.Table.bits() {
		return slices.Clone(data[2*at : 2*(at+n)])
	}
	out := make([]byte, (n+7)/8)
	for i := range n {
		if bit := at + i; data[bit/8]>>(bit%8)&1 != 0 {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}
