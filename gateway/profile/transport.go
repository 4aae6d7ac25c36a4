package profile

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
	Timeout Duration `yaml:"timeout" doc:"How long the device may take to answer; 500ms if not given."`
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
}

// Poll is a request that the gateway sends again and again.
type Poll struct {
	Send    Bytes    `yaml:"send" doc:"The request, whole, with its checksum."`
	Every   Duration `yaml:"every" doc:"How often; 10s if not given."`
	Timeout Duration `yaml:"timeout" doc:"How long the answer may take; 1s if not given."`
}

// Frame says where a frame begins and ends. Offsets within a frame count from
// its first byte after escapes are undone; start, length, checksum and end are
// part of it.
type Frame struct {
	Start    Bytes     `yaml:"start" doc:"What each frame begins with."`
	End      Bytes     `yaml:"end" doc:"What each frame ends with."`
	Size     int       `yaml:"size" doc:"Length in bytes where all frames have the same."`
	Length   *Length   `yaml:"length" doc:"The number in a frame that gives its length."`
	Gap      Duration  `yaml:"gap" doc:"Silence that ends a frame."`
	Escape   *Escape   `yaml:"escape" doc:"How bytes that would look like start or end are written."`
	Checksum *Checksum `yaml:"checksum" doc:"How a frame is checked. One that fails is dropped and counted."`
	Max      int       `yaml:"max" doc:"Longest frame in bytes; 256 if not given."`
}

// Length is the number in a frame that gives its length.
type Length struct {
	At    Int   `yaml:"at" doc:"Offset of the number from the beginning of the frame."`
	Size  int   `yaml:"size" doc:"Bytes of the number, 1 to 4; 1 if not given."`
	Order Order `yaml:"order" doc:"Byte order of the number: big or little."`
	Add   int   `yaml:"add" doc:"What the number and this add up to is the length of the whole frame, from the first byte of start to the last byte of end."`
}

// Escape says how bytes are escaped.
type Escape struct {
	Byte Int            `yaml:"byte" doc:"The byte that announces an escaped one."`
	Xor  Int            `yaml:"xor" doc:"The byte after it is combined with this by exclusive or."`
	Map  map[string]Int `yaml:"map" doc:"Instead of xor: the byte after it, and what both stand for."`
}

// Checksum says how a frame is checked.
type Checksum struct {
	Type  string `yaml:"type" doc:"sum8, sum16, neg8 (two's complement of the sum), not8 (its ones' complement), xor8, lrc, crc8, crc16_modbus, crc16_ccitt, crc16_xmodem, crc16_kermit, crc16_x25, crc32 or crc."`
	From  Int    `yaml:"from" doc:"First byte that is summed; 0 if not given."`
	To    Int    `yaml:"to" doc:"The byte that the sum stops before, negative from the end of the frame; where the checksum stands if not given."`
	At    Int    `yaml:"at" doc:"Where the checksum stands, negative from the end of the frame; right before end, or last, if not given."`
	Order Order  `yaml:"order" doc:"Byte order of the checksum: big or little. CRC-16 of Modbus is little."`
	Text  bool   `yaml:"text" doc:"The checksum is written as hexadecimal digits."`
	CRC   *CRC   `yaml:"crc" doc:"Parameters where type is crc."`
}

// CRC is the parameters of a cyclic redundancy check in the model of Ross
// Williams (A Painless Guide to CRC Error Detection Algorithms, 1993).
type CRC struct {
	Width     int  `yaml:"width" doc:"8, 16 or 32 bits."`
	Poly      Int  `yaml:"poly" doc:"Polynomial without its highest bit."`
	Init      Int  `yaml:"init" doc:"Register at the beginning."`
	ReflectIn bool `yaml:"reflect_in" doc:"Bytes go in from their lowest bit."`
	Reflect   bool `yaml:"reflect_out" doc:"The result is turned round."`
	XorOut    Int  `yaml:"xor_out" doc:"Combined with the result at the end by exclusive or."`
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
