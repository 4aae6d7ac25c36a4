package profile

import "sentrybox/drivers/uart"

// Line is the settings of a serial port.
type Line struct {
	Baud     int    `yaml:"baud" doc:"Bits per second; 9600 if not given."`
	DataBits int    `yaml:"data_bits" doc:"7 or 8; 8 if not given."`
	Parity   string `yaml:"parity" doc:"none, even or odd; none if not given."`
	StopBits int    `yaml:"stop_bits" doc:"1 or 2; 1 if not given."`
}

// Modbus is a Modbus slave.
type Modbus struct {
	Line    Line     `yaml:"line" doc:"Settings of the RS-485 line; for Modbus RTU."`
	Address int      `yaml:"address" doc:"Unit address as the device comes from the factory, 1 to 247; 1 if not given."`
	Timeout Duration `yaml:"timeout" doc:"How long the device may take to answer; if not given 500ms, and as much as 2s for a device that turns out to need it."`
	Pause   Duration `yaml:"pause" doc:"Rest that the device needs between an answer and the next request."`
	Reads   []Read   `yaml:"reads" doc:"What is read, each in one request."`
}

// Read is one request of Modbus, and its answer one payload: the bytes of the
// registers in their order, or the coils from the lowest bit of the first byte.
type Read struct {
	Name     string   `yaml:"name" doc:"For read in a message's when; may be left out where there is one."`
	Function int      `yaml:"function" doc:"1 coils, 2 discrete inputs, 3 holding registers, 4 input registers; 3 if not given."`
	Register Int      `yaml:"register" doc:"First register or coil, counted from 0 as on the wire. 40001 of a manual is holding register 0."`
	Count    int      `yaml:"count" doc:"How many: at most 125 registers or 2000 coils; 1 if not given."`
	Every    Duration `yaml:"every" doc:"How often; 10s if not given."`
}

// Serial is a device on a serial line.
type Serial struct {
	Line  Line   `yaml:"line" doc:"Settings of the port."`
	Frame Frame  `yaml:"frame" doc:"How frames are told from each other and checked."`
	Polls []Poll `yaml:"polls" doc:"What the gateway sends to be answered. A device that speaks by itself needs none."`

	framing uart.Framing
}

// Poll is a request that the gateway sends again and again.
type Poll struct {
	Name    string   `yaml:"name" doc:"For read in a message's when; may be left out."`
	Send    Bytes    `yaml:"send" doc:"The request, whole, with its checksum."`
	Answer  Bytes    `yaml:"answer" doc:"What the answer begins with; any frame if not given."`
	Every   Duration `yaml:"every" doc:"How often, 100ms or more; 10s if not given."`
	Timeout Duration `yaml:"timeout" doc:"How long the answer may take; 1s if not given."`
}

// Frame says where a frame begins and ends. Offsets within a frame count from
// its first byte, after escapes are undone; start, length, checksum and end are
// part of it.
type Frame struct {
	Start    Bytes     `yaml:"start" doc:"What each frame begins with."`
	End      Bytes     `yaml:"end" doc:"What each frame ends with."`
	Size     int       `yaml:"size" doc:"Length in bytes where all frames have the same."`
	Length   *Length   `yaml:"length" doc:"The number in a frame that gives its length."`
	Gap      Duration  `yaml:"gap" doc:"Silence that ends a frame, where nothing else does; otherwise the silence after which the rest of a frame does not come any more, 500ms if not given."`
	Escape   *Escape   `yaml:"escape" doc:"How bytes that would look like start or end are written. It needs start."`
	Checksum *Checksum `yaml:"checksum" doc:"How a frame is checked; it stands right before end, or last. A frame that fails is dropped and counted."`
	Address  *Address  `yaml:"address" doc:"Where a frame says whose it is, for several devices on a line."`
	Text     bool      `yaml:"text" doc:"Frames are lines of text: those with control characters are dropped."`
	Max      int       `yaml:"max" doc:"Longest frame in bytes, at most 4096; 256 if not given."`
}

// Length is the number in a frame that gives its length.
type Length struct {
	At    int   `yaml:"at" doc:"Offset of the number from the beginning of the frame."`
	Size  int   `yaml:"size" doc:"Bytes of the number, 1 or 2; 1 if not given."`
	Order Order `yaml:"order" doc:"Byte order of the number: big (the default) or little."`
	Add   int   `yaml:"add" doc:"What is added to the number to have the length of the whole frame, from the first byte of start to the last byte of end."`
}

// Address is where a frame says whose it is.
type Address struct {
	At   int `yaml:"at" doc:"Offset of the address from the beginning of the frame."`
	Size int `yaml:"size" doc:"Bytes of the address, 1 to 8; 1 if not given. One or two bytes are a number, more are hexadecimal digits."`
}

// Escape says how bytes are escaped.
type Escape struct {
	Byte Int            `yaml:"byte" doc:"The byte that announces an escaped one."`
	Xor  Int            `yaml:"xor" doc:"The byte after it is combined with this by exclusive or."`
	Map  map[string]Int `yaml:"map" doc:"Instead of xor: the byte after it, and what both stand for, such as 0x02: 0x7E."`
}

// Checksum says how a frame is checked.
type Checksum struct {
	Type     string `yaml:"type" doc:"sum8, sum16, xor8, crc8, crc8-maxim, crc16-modbus, crc16-ccitt-false, crc16-xmodem, crc16-kermit, crc16-x25, crc16-sdi12 (three printable characters), crc32, or crc with parameters of its own."`
	From     int    `yaml:"from" doc:"First byte that is covered; 0 if not given."`
	Skip     int    `yaml:"skip" doc:"How many bytes right before the checksum are not covered, such as 1 for the * of NMEA 0183."`
	Order    Order  `yaml:"order" doc:"Byte order of the checksum: big or little; little for crc16-modbus and big for the others if not given."`
	Negate   string `yaml:"negate" doc:"What is done to it at last: ones (all bits inverted) or twos (so that the sum of all bytes is 0, as in an LRC)."`
	Text     bool   `yaml:"text" doc:"The checksum is written as hexadecimal digits."`
	OverText bool   `yaml:"over_text" doc:"What is covered is hexadecimal digits, and the checksum is of the bytes that they stand for."`
	CRC      *CRC   `yaml:"crc" doc:"Parameters where type is crc."`
}

// CRC is the parameters of a cyclic redundancy check, in the model of Ross
// Williams (A Painless Guide to CRC Error Detection Algorithms, 1993).
type CRC struct {
	Width  int  `yaml:"width" doc:"8, 16 or 32 bits."`
	Poly   Int  `yaml:"poly" doc:"Polynomial without its highest bit."`
	Init   Int  `yaml:"init" doc:"Register at the beginning."`
	RefIn  bool `yaml:"reflect_in" doc:"Bytes go in from their lowest bit."`
	RefOut bool `yaml:"reflect_out" doc:"The result is turned round."`
	XorOut Int  `yaml:"xor_out" doc:"Combined with the result at the end by exclusive or."`
}

// LoRa is a device that sends LoRa packets of its own form.
type LoRa struct {
	Module  string `yaml:"module" doc:"The module that hears it: e22, e32 or rak3172."`
	Frame   string `yaml:"frame" doc:"sentrybox (device number, counter, CRC and MAC against replay; the default) or raw."`
	Channel int    `yaml:"channel" doc:"E22 and E32: channel number. 23 of an E22-400 is 433.125 MHz."`
	AirRate int    `yaml:"air_rate" doc:"E22 and E32: bits per second in the air; 2400 if not given."`
	NetID   int    `yaml:"net_id" doc:"E22: number of the network, 0 to 255."`
	Address Int    `yaml:"address" doc:"E22 and E32: address of the module, 0 to 65535."`
	RSSI    string `yaml:"rssi" doc:"E22: expression of x, the byte that the module adds to a packet, in dBm: -(256 - x) or -x / 2 by manual."`

	Frequency int `yaml:"frequency" doc:"RAK3172: Hz."`
	Spreading int `yaml:"spreading" doc:"RAK3172: spreading factor, 5 to 12."`
	Bandwidth int `yaml:"bandwidth" doc:"RAK3172: kHz."`
	Coding    int `yaml:"coding" doc:"RAK3172: coding rate, 5 to 8 for 4/5 to 4/8; 5 if not given."`
	Preamble  int `yaml:"preamble" doc:"RAK3172: symbols; 8 if not given."`

	rssi *[256]float64
}

// LoRaWAN is a LoRaWAN device. The port of a message is in its when.
type LoRaWAN struct {
	Class   string `yaml:"class" doc:"A, B or C; A if not given."`
	Version string `yaml:"version" doc:"Of LoRaWAN, such as 1.0.3."`
}

// MQTT is a device that publishes to the gateway's broker.
type MQTT struct {
	Topics []string `yaml:"topics" doc:"Topics of the device; {id} stands for the name that a configuration gives it there. + and # work."`
}

// GPIO is a contact on an input pin. Its payload is one byte, 0 or 1.
type GPIO struct {
	ActiveLow bool     `yaml:"active_low" doc:"1 while the pin is at 0 V, as for a contact to ground."`
	Pull      string   `yaml:"pull" doc:"up, down or none; none if not given."`
	Debounce  Duration `yaml:"debounce" doc:"A change that does not last this long is none; 20ms if not given."`
}

// Output is something that can be switched.
type Output struct {
	Name     string   `yaml:"name" doc:"Its name in rules and configurations."`
	Text     Words    `yaml:"text" doc:"What it is, in Chinese and English."`
	Coil     *Int     `yaml:"coil" doc:"Modbus: coil that is written (function 5)."`
	Register *Int     `yaml:"register" doc:"Modbus: holding register that is written (function 6)."`
	Send     bool     `yaml:"send" doc:"Serial: on and off are sent as they are."`
	Pin      bool     `yaml:"pin" doc:"GPIO: the pin itself."`
	On       Scalar   `yaml:"on" doc:"What switches it on: a number, or the bytes that are sent; 1 if not given."`
	Off      Scalar   `yaml:"off" doc:"What switches it off; 0 if not given."`
	MaxOn    Duration `yaml:"max_on" doc:"Longest time that it stays on; 3m if not given."`
	Repeat   Duration `yaml:"repeat" doc:"The command is sent again this often while it is on, for a device that switches itself off."`
}
