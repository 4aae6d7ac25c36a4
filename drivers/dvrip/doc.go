// Package dvrip reads live video from recorders and cameras of XiongMai and the
// many that are built on its firmware, which speak DVRIP (also called NetSurveillance
// or Sofia, TCP port 34567) and often no RTSP.
//
// A [Source] keeps one channel of a device, as drivers/rtsp keeps one camera;
// [Probe] looks once; [Discover] finds devices by the broadcast that they answer.
//
// # A process of its own
//
// The session is held by the client of github.com/deepch/vdk, the one Go
// library that has one. What a device sends can make it panic, in a goroutine that nobody
// can recover. So each session runs in a process of its own, [Serve]: the
// gateway connects to the device and hands the process the connection; before the
// first byte of the device is read the process is shut in (package sandbox), so it can
// neither connect nor open nor start anything. User and password come to it
// by a pipe, pictures go back by another and are checked, and it ends with its session.
//
// Vdk's client (v0.0.27) falls short in places, and a relay in that process stands
// between it and the device to mend them:
//
//   - It asks for channel 0 only: the relay puts the channel in.
//   - It sends the password "admin" where none is set: the relay sends the right hash. The
//     client itself never has the password, but one of this process alone.
//   - It sets the device's clock at every login: the relay answers that in the device's place.
//   - It does not look whether a claim was granted: the relay does.
//   - It gives up a device that takes more than 5 s to answer a login or a claim: the relay answers
//     it at once, and passes on what it asks when the device has answered.
//   - It hands on single slices of H.264 without their times, and nothing of H.265;
//     it divides by a rate of 0 and indexes empty NAL units: the relay keeps the pictures
//     and puts them together itself, for both.
//   - It takes part of a header for all of it, and an answer to a keep-alive for a
//     part of a picture: the relay reads whole messages, and hands on none of them.
//   - It sends keep-alives only when something arrives, and all the time if the device names
//     no interval: the relay wakes it once a second, names one, and passes on as many as the device wants.
//
// # The protocol
//
// There is no standard. Sources: "Digital Video Recorder Interface Protocol"
// V1.0.0 of Hangzhou XiongMai for the messages and their codes, and the readers
// vdk, python-dvr and go2rtc for what devices do.
package dvrip
