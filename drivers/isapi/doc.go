// Package isapi hears what Hikvision's door stations, access controllers and cameras tell: the
// endless multipart answer of GET /ISAPI/Event/notification/alertStream, as a source of calls.
//
// A part is an EventNotificationAlert in XML, or an event of access control in JSON; pictures
// between them are passed over. While nothing happens the device sends a videoloss that is inactive each ten
// seconds: after 30 s of silence the connection counts as dead.
//
//	what the device says                                 Event
//	IO, active                                           Input alarm, its port as Channel
//	tamperdetection, shelteralarm, scenechangedetection  Input tamper
//	VMD, PIR, linedetection, fielddetection              Input motion, if Config.Motion
//	callHelp                                             Emergency
//	access control 1/0x400, 0x408                        Input alarm
//	             1/0x401, 0x402, 0x404, 0x406, 0x40f     Input tamper, until 0x403, 0x405, 0x407, 0x410
//	             1/0x40a (under duress)                  Emergency
//	             5/0x1b (opened without leave)           Input door_forced, until 0x1a (closed)
//	             5/0x1c (open for too long)              Input door_open, until 0x1a
//	             5/0x25 (bell), 5/0x33 (call centre)     Begin and End
//	VideoIntercom/callStatus ring, onCall, then idle     Begin, End, if Config.Calls
//
// The numbers are those of the manufacturer's HCNetSDK (MAJOR_ALARM 0x1, MAJOR_EVENT 0x5), which
// ISAPI uses. Door stations do not tell calls on the stream: these are asked for.
//
// A camera repeats an event while it lasts and mostly does not say when it is over: an Input that is
// not repeated for [Quiet] ends. What an access controller says once ends after [Kept] at the latest, so
// that the next time is told again.
package isapi
