// Tones holds the decoders of tones against Debian's multimon-ng, on the same audio, and prints
// a table:
//
//	tones                      clean and noisy signals, and some minutes of speech
//	tones --minutes 60         with an hour of speech, in English and Chinese
//
// Speech is read by espeak-ng, and each false digit or call in it is counted. It needs
// multimon-ng and espeak-ng; hack/compare-tones installs them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"
)

type flags struct {
	Minutes int    `default:"5" help:"Minutes of speech, half of them English and half Chinese; 0 for none."`
	Repeats int    `default:"20" help:"How often each signal is sent, each time in other noise."`
	Show    bool   `help:"Print what each decoder made of signals that it did not get."`
	Text    string `help:"Folder of .txt files that are read aloud, beside the licences and texts that every Debian has." type:"existingdir"`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Description("Compares decoders of tones with multimon-ng."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := f.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tones:", err)
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) error {
	fmt.Printf("%-34s %14s %14s\n", "signals decoded whole", "sentrybox", "multimon-ng")
	for _, c := range cases() {
		ours, theirs, err := c.compare(ctx, f.Repeats, f.Show)
		if err != nil {
			return err
		}
		fmt.Printf("%-34s %14s %14s\n", c.name, score(ours, f.Repeats), score(theirs, f.Repeats))
	}
	if f.Minutes == 0 {
		return nil
	}
	fmt.Printf("\n%-34s %14s %14s\n", "false in speech", "sentrybox", "multimon-ng")
	begin := time.Now()
	for _, language := range languages() {
		n, ours, theirs, err := language.listen(ctx, time.Duration(f.Minutes)*time.Minute/2, f.Text)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s, %.1f min", language.name, n.Minutes())
		fmt.Printf("%-34s %14s %14s\n", name+": DTMF digits", fmt.Sprint(ours.digits), fmt.Sprint(theirs.digits))
		fmt.Printf("%-34s %14s %14s\n", name+": five-tone calls", fmt.Sprint(ours.calls), fmt.Sprint(theirs.calls))
		fmt.Printf("%-34s %14s %14s\n", name+": MDC 1200", fmt.Sprint(ours.packets), "-")
	}
	fmt.Printf("\nspeech listened to in %v\n", time.Since(begin).Round(time.Second))
	return nil
}

func score(n, of int) string { return fmt.Sprintf("%d/%d", n, of) }
