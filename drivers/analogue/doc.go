// Package analogue listens to the audio of an analogue base radio: who pressed which key.
package analogue
