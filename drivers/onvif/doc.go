// Package onvif finds cameras by WS-Discovery, signs in to them, and asks where
// their streams are, as ONVIF's Core, Media and Media2 specifications have it.
//
// [Discover] finds; [Inspect] signs in and returns everything that a technician wants to know
// of one device; a [Client] is the same step by step.
//
// # Signing in
//
// HTTP Digest (RFC 7616) is tried first, since it does not depend on the
// device's clock; then a WS-Security UsernameToken with a password digest, made with the
// device's own time; a token with the password in clear only if Config.AllowPlain
// says so. Each way is tried once, none after a sign that the device locks users out, and each
// is told of: [Attempt].
//
// # What is expected of devices
//
// Nothing. Answers have a bounded size, depth and number of elements, and no
// document type, so no entities. Nothing redirects, and no address in an answer is
// followed to another host than the one that answered: of a service's or a stream's address
// the path counts, and the port if its host is the right one.
//
// # Why not a library
//
// github.com/use-go/onvif v0.0.9, the one that is used most, has no HTTP Digest, makes
// tokens with our clock and not the device's, posts with an http.Client that
// follows redirects, reads answers of any size, panics when a read fails, and passes XML through a tree
// that takes any depth; with five dependencies.
package onvif
