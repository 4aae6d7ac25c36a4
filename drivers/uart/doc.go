// Package uart reads devices that speak a line or binary protocol of their own on a
// UART: rangefinders, air quality sensors, card readers, alarm panels.
//
// [Framing] says how a frame is told from the bytes around it: by what it begins
// with, by a delimiter, a length field, a fixed length or a silence after it, and by its
// checksum. After noise, a [Splitter] looks for the next frame from the byte
// after the one where it failed, so a valid frame is found even inside of what looked like a
// longer one.
//
// A device that only answers is asked by a [Poll]. As such protocols number nothing, an
// answer that comes too late could pass for that to the next question. So after a missed
// answer the line must be silent for as long as an answer may take before the next question, and the
// first answer of the device after that is thrown away, and asked again.
package uart
