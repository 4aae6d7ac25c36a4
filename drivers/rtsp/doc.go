// Package rtsp reads live video from RTSP cameras and hands on encoded access
// units. It never decodes a picture.
//
// A [Source] keeps one camera: it connects, picks the video, repairs what
// cameras get wrong, and connects again after every failure until its context
// ends. [Probe] looks at a camera once and says what it offers.
//
// # What is expected of cameras
//
// Nothing. A camera, or whoever answers at its address, may stop in the middle
// of anything, answer nonsense, stream for hours without a keyframe, or send a
// timestamp from last year. Every wait has a deadline, every buffer a bound,
// and every failure ends in a [media.Phase] that tells an operator what to look at.
//
// # Transport
//
// Auto begins with TCP (interleaved, RFC 2326 section 10.12), since a lost
// packet of a keyframe can be a lost alarm, and since the bursts of keyframes
// overrun small UDP buffers. If the camera refuses TCP, or accepts it and sends
// nothing, UDP is tried at once, and the other way round. What worked is
// remembered; after a stall over UDP the next try is TCP. The library's own
// switching is not used: it begins with UDP, cannot be told what worked before,
// and does not come back from TCP.
// Over rtsps:// Auto is TCP alone, as plain UDP would leave the encryption.
//
// # Time
//
// PTS comes from RTP timestamps, unwrapped, and goes on growing over
// reconnections by the time that has passed. A camera whose timestamps stand
// still or run at a wrong rate gets times of arrival instead. Wall comes from
// RTCP sender reports (RFC 3550 section 6.4.1) as long as they agree with our
// clock within Config.MaxSkew, because cameras with a wrong time zone are
// common; otherwise it is the time of arrival.
//
// # Secrets
//
// The password is in the URL and nowhere else: no error, state, report or log
// line of this package has it, in clear, percent-encoded or Base64, even if the
// camera echoes it.
package rtsp
