// Package cv decodes camera video straight to the small grey pictures that the
// heuristics look at. It is the only package of ours with C in it.
//
// A [Decoder] takes whole access units and gives back luma at the working size,
// shrunk by an integer box filter: no colour conversion and no copy of the
// picture at full size. libavcodec does the decoding, in one thread and without
// libavformat, so that nothing here ever opens a file or a socket.
//
// # Hostile input
//
// The access units are a stranger's. Their length, the size of the picture and
// the pixel format are bounded here; that a picture's plane lies within its
// buffer is checked before a byte of it is read. What libavcodec itself gets wrong
// is not caught: the process that holds a Decoder must be one that may die.
//
// An [Encoder] makes H.264 of pictures that we drew ourselves, for people to look at.
//
// Without cgo the package compiles, and every call returns [ErrNoDecoder].
package cv
