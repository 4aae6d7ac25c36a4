package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// text prints the tables and a line for each clip.
func (r *report) text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %d clips, %.1f minutes\n\n", r.Dir, len(r.Ours.Clips), r.Ours.Total.Hours*60)
	r.Ours.table(&b, true)
	if r.Full != nil {
		fmt.Fprintf(&b, "\nWith every picture decoded:\n\n")
		r.Full.table(&b, true)
	}
	if r.Baseline != nil {
		fmt.Fprintf(&b, "\nMOG2 and area, default parameters:\n\n")
		r.Baseline.table(&b, false)
	}
	if r.Ours.Agitation != nil {
		fmt.Fprintf(&b, "\n%s\n", r.Ours.Agitation)
	}
	b.WriteString("\nDelay, median / most: after the decision was due. Late: found, but more than 3 s (loitering), 1 s (thrown object)\n" +
		"or 5 s (tamper) after it was due. False an hour: of footage in which the kind was looked for.\n\n")
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "clip\tseconds\tfound\tfalse\tCPU s a minute\t")
	for _, c := range r.Ours.Clips {
		fmt.Fprintf(tw, "%s\t%.1f\t%d of %d\t%d\t%.2f\t%s\n", c.Name, c.Seconds, len(c.Found), len(c.Found)+len(c.Missed), len(c.False), c.CPUPerMinute, c.Error)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("lay out the table: %w", err)
	}
	fmt.Fprintf(&b, "\nCPU: %.2f s a minute of footage", r.Ours.cpuPerMinute())
	if r.Full != nil {
		fmt.Fprintf(&b, "; every picture decoded %.2f", r.Full.cpuPerMinute())
	}
	if r.Baseline != nil {
		fmt.Fprintf(&b, "; MOG2 and area %.2f", r.Baseline.cpuPerMinute())
	}
	b.WriteString("\n")
	_, err := w.Write(b.Bytes())
	return err
}

func (m *measurement) rows() []row { return append(m.Kinds[:len(m.Kinds):len(m.Kinds)], m.Total) }

func (m *measurement) table(w io.Writer, ours bool) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "kind\tfound\trecall\tfalse\tprecision\tfalse an hour\tdelay\tlate\t")
	for _, k := range m.rows() {
		if ours && !k.Built {
			fmt.Fprintf(tw, "%s\t0 of %d\tnot built\t\t\t\t\t\t\n", k.name(), k.Events)
			continue
		}
		fmt.Fprintf(tw, "%s\t%d of %d\t%s\t%d\t%s\t%s\t%s\t%d\t\n", k.name(), k.Found, k.Events, number(k.Recall, "%.2f"),
			k.False, number(k.Precision, "%.2f"), number(k.FalseHourly, "%.1f"), k.delayText(), k.Late)
	}
	_ = tw.Flush() // into memory
}

// beside is a measurement whose columns stand beside ours.
type beside struct {
	name string
	m    *measurement
}

func (r *report) beside() []beside {
	var all []beside
	for _, o := range []beside{{"every picture", r.Full}, {"MOG2", r.Baseline}} {
		if o.m != nil {
			all = append(all, o)
		}
	}
	return all
}

// of returns a kind's row, an empty one if there is none.
func (m *measurement) of(kind string) row {
	for _, k := range m.rows() {
		if k.Kind == kind {
			return k
		}
	}
	return row{}
}

// markdown prints one table, the others' columns beside ours.
func (r *report) markdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("| kind | events | recall | precision | false an hour | delay, median / most | late |")
	for _, o := range r.beside() {
		fmt.Fprintf(&b, " %s: recall | precision | false an hour |", o.name)
	}
	b.WriteString("\n|---|---|---|---|---|---|---|" + strings.Repeat("---|---|---|", len(r.beside())))
	for _, k := range r.Ours.rows() {
		recall := number(k.Recall, "%.2f")
		if !k.Built {
			recall = "not built"
		}
		fmt.Fprintf(&b, "\n| %s | %d | %s | %s | %s | %s | %d |", k.name(), k.Events, recall, number(k.Precision, "%.2f"),
			number(k.FalseHourly, "%.1f"), k.delayText(), k.Late)
		for _, o := range r.beside() {
			other := o.m.of(k.Kind)
			fmt.Fprintf(&b, " %s | %s | %s |", number(other.Recall, "%.2f"), number(other.Precision, "%.2f"), number(other.FalseHourly, "%.1f"))
		}
	}
	fmt.Fprintf(&b, "\n\n%d clips, %.1f minutes; %.2f CPU seconds a minute of footage", len(r.Ours.Clips), r.Ours.Total.Hours*60, r.Ours.cpuPerMinute())
	for _, o := range r.beside() {
		fmt.Fprintf(&b, ", %s %.2f", o.name, o.m.cpuPerMinute())
	}
	b.WriteString(".\n")
	if r.Ours.Agitation != nil {
		fmt.Fprintf(&b, "\n%s\n", r.Ours.Agitation)
	}
	_, err := w.Write(b.Bytes())
	return err
}
