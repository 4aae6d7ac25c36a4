// Package tone is the front end that decoders of tones share: how strong given
// frequencies are in a signal, and how far from where they should be.
//
// A [Bank] is fed samples and gives a [Bank.Hop] every 2.5 ms. Each is a short-time
// Fourier transform at the chosen frequencies alone, under a Hann window of 20 ms: its
// half-amplitude width of 10 ms tells when a tone begins and ends, its main lobe of
// ±100 Hz takes a tone that is off by 3.5 % of 2600 Hz, and its side lobes are 31 dB down.
// How far a tone is off is the turn of its phase from one hop to the next, which is
// exact to some hertz for a lone tone however far off it is: on it the refusals of ITU-T Q.24 rest.
//
// The sums are kept for steps of 1.25 ms, each of which is added once, and windows are
// sums of steps: a frequency costs two multiplications a sample, whatever the overlap.
//
// Nothing here does I/O, nor allocates once it was made.
package tone
