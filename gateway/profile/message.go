package profile

import "sentrybox/drivers/uart"

// Message is one kind of payload that a device sends.
type Message struct {
	Name      string      `yaml:"name" doc:"What the message is, for people."`
	When      *Match      `yaml:"when" doc:"Which payloads are this message; all if not given. All conditions must hold."`
	Ignore    bool        `yaml:"ignore" doc:"The message has no values: a history, an answer to a command. It still counts as a sign of life."`
	Form      string      `yaml:"form" doc:"bytes (the default), text (fields are groups of pattern), json (fields are paths) or object (what a ChirpStack codec decoded; fields are paths)."`
	Order     Order       `yaml:"order" doc:"Byte order of the message's fields."`
	Transform []Transform `yaml:"transform" doc:"What is done to the payload before its fields are read, after when has been looked at."`
	Checksum  *Checksum   `yaml:"checksum" doc:"A checksum that the payload itself ends with, over the payload; for serial it is in frame. One that fails makes the payload another message."`
	Pattern   string      `yaml:"pattern" doc:"form text: regular expression (RE2) with named groups, such as ^R=(?P<distance>[0-9]+). A payload that it does not match is another message."`
	Fields    []Field     `yaml:"fields" doc:"The values, in their order."`
	Items     *Items      `yaml:"items" doc:"Values that each come with a key, in any order: channel and type of Milesight or Cayenne LPP, type and length of others."`

	pattern  *pattern
	checksum *uart.Checksum
	when     *program
	prog     messageProgram
}

// Match says which payloads are a message.
type Match struct {
	Read     Texts   `yaml:"read" doc:"Modbus and serial: name of the read or poll, or names."`
	Port     Ints    `yaml:"port" doc:"LoRaWAN: fPort, or a list of them."`
	Topic    Texts   `yaml:"topic" doc:"MQTT: topic filter as in topics, or a list of them."`
	Length   Ints    `yaml:"length" doc:"Length of the payload in bytes, or a list of lengths."`
	AtLeast  int     `yaml:"at_least" doc:"Least length of the payload in bytes."`
	Prefix   Pattern `yaml:"prefix" doc:"What the payload begins with; ? stands for any hexadecimal digit."`
	Bytes    []Probe `yaml:"bytes" doc:"What single bytes of the payload are."`
	Has      string  `yaml:"has" doc:"form json and object: a path that must be there."`
	Contains string  `yaml:"contains" doc:"Text that the payload contains."`
	If       string  `yaml:"if" doc:"Expression that must be true. It can use payload functions, len, port, rssi and snr."`
}

// Probe says what one number in a payload is.
type Probe struct {
	At   Int  `yaml:"at" doc:"Offset of the byte, negative from the end."`
	Mask *Int `yaml:"mask" doc:"Bits of the byte that are looked at; all if not given."`
	Is   Ints `yaml:"is" doc:"What the byte, under mask, must be: a number or a list."`
}

// Transform changes a payload before it is read.
type Transform struct {
	Do    string `yaml:"do" doc:"hex (hexadecimal digits to bytes), base64 (to bytes), gbk (Chinese text to UTF-8), pick (the text at path of a payload in JSON), cut (keep from…to only), reverse, add, subtract or xor (each byte with value)."`
	Path  string `yaml:"path" doc:"For pick: JSON pointer."`
	Value Int    `yaml:"value" doc:"For add, subtract and xor."`
	From  Int    `yaml:"from" doc:"First byte that is changed, negative from the end; 0 if not given."`
	To    *Int   `yaml:"to" doc:"Byte before which the change ends, negative from the end; the end if not given."`

	path []string
}

// Field is one value of a message.
type Field struct {
	Name string `yaml:"name" doc:"Name of the value: lower-case letters, digits and _. The same name in several messages is the same value."`
	Text Words  `yaml:"text" doc:"What it is, in Chinese and English; known names such as temperature and battery need none."`
	Unit string `yaml:"unit" doc:"Its unit, such as °C, %, V, m, kWh."`

	At       *Int   `yaml:"at" doc:"Offset of its first byte, negative from the end; right after the field before if not given."`
	Register *Int   `yaml:"register" doc:"Modbus: its register (or coil), instead of at."`
	Group    string `yaml:"group" doc:"form text: name of its group in pattern; the name of the field if not given."`
	Pattern  string `yaml:"pattern" doc:"form text, json and object: regular expression of this field alone, of which the first group is the value; without it in the text there is no value."`
	Path     string `yaml:"path" doc:"form json and object: JSON pointer (RFC 6901) such as /battery/level; / and the name of the field if not given."`

	Type     string  `yaml:"type" doc:"u8 i8 u16 i16 u24 i24 u32 i32 … u64 i64, f16 f32 f64, bcd, number (text, decimal), hex_number (text, hexadecimal), hex (bytes shown as digits), text, bool, skip (bytes without a value). A field with expr alone has none."`
	SizeFrom string  `yaml:"size_from" doc:"Instead of size: the name of an earlier field of the message that says how many bytes it has."`
	Size     int     `yaml:"size" doc:"Bytes of bcd, number, hex_number, hex and text; all that are left if not given."`
	To       *Int    `yaml:"to" doc:"Instead of size: the offset that it ends before, negative from the end of the payload."`
	Order    Order   `yaml:"order" doc:"Byte order: big, little, word_swap or byte_swap."`
	Bits     *Bits   `yaml:"bits" doc:"Bits of the number, such as 7 or 0-11; bit 0 is the lowest."`
	Sign     string  `yaml:"sign" doc:"How a negative number is written: twos (two's complement, the default of i types), magnitude (the highest bit is the sign) or ones."`
	Parts    []Field `yaml:"parts" doc:"Values that are bits of this number. Each has name and bits; this field itself then needs no name."`

	Map    map[string]Float `yaml:"map" doc:"What texts mean as numbers, such as open: 1."`
	None   Scalars          `yaml:"none" doc:"What stands for no value, as it is sent, before scale."`
	Scale  Float            `yaml:"scale" doc:"The number is multiplied by this."`
	Offset Float            `yaml:"offset" doc:"Then this is added."`
	Expr   string           `yaml:"expr" doc:"Then the expression is taken; x in it is the number so far, and other fields and parameters are there by their names."`
	Range  Range            `yaml:"range" doc:"Least and greatest valid value; what is outside is no value."`
	Digits int              `yaml:"digits" doc:"The number is shown as a text of so many digits, with zeros in front: a card number."`

	When     string `yaml:"when" doc:"Expression: without it the field is not in the payload and takes no bytes."`
	Valid    string `yaml:"valid" doc:"Expression: without it the field is in the payload but has no value."`
	Optional bool   `yaml:"optional" doc:"A payload may end before it."`

	Labels map[string]Words `yaml:"labels" doc:"Words for its numbers, such as 1: {zh: 开, en: open}."`
	Event  bool             `yaml:"event" doc:"The value is a moment, not a state: a button pressed, a card read. Each one counts."`
	Hidden bool             `yaml:"hidden" doc:"The value is for expressions only."`

	prog fieldProgram
}

// Items is a row of values that each come with a key.
type Items struct {
	At      *Int   `yaml:"at" doc:"Offset of the first item; after the message's fields if not given."`
	Until   Int    `yaml:"until" doc:"Offset where the items end, negative from the end of the payload; its end if not given."`
	Key     int    `yaml:"key" doc:"Bytes of a key: 2 for channel and type, 0 for a row of equal records; 1 if not given."`
	Length  int    `yaml:"length" doc:"Bytes of the length that follows each key, 1 or 2, in the message's byte order; 0, the default, if there is none."`
	First   bool   `yaml:"length_first" doc:"The length stands before the key."`
	Add     int    `yaml:"length_add" doc:"What is added to the length to have the bytes of the value: -1 where it counts a key of one byte too."`
	Unknown string `yaml:"unknown" doc:"What an unknown key means: stop (what came before it counts; the default without length), skip (the default with length) or error."`
	Types   []Item `yaml:"types" doc:"The items there can be. The first with a fitting key counts."`

	order Order
}

// Item is one of Items.
type Item struct {
	Key    Pattern `yaml:"key" doc:"Its key as hexadecimal digits; ? stands for any digit. None if key of the items is 0."`
	Size   int     `yaml:"size" doc:"Bytes of its value; up to the end of its last field if not given. Of an item without fields, how many bytes are passed over."`
	Order  Order   `yaml:"order" doc:"Byte order of its fields."`
	Fields []Field `yaml:"fields" doc:"Its values; offsets count from the byte after key and length."`

	prog itemProgram
}

// Example is a payload and the values that it must decode to.
type Example struct {
	Name    string `yaml:"name" doc:"What it shows."`
	From    string `yaml:"from" doc:"Where it comes from: page of a manual, or recorded."`
	Bytes   Bytes  `yaml:"bytes" doc:"The payload. For serial a whole frame. For modbus the registers, or a whole answer if frame is true."`
	Text    string `yaml:"text" doc:"Or the payload as text."`
	Frame   bool   `yaml:"frame" doc:"modbus: bytes are a whole answer, of RTU with address, function, length and CRC or of TCP with its header, which are checked."`
	Object  string `yaml:"object" doc:"form object: what the codec decoded, as JSON."`
	Read    string `yaml:"read" doc:"modbus: name of the read; the first if not given."`
	Port    int    `yaml:"port" doc:"lorawan: fPort."`
	Topic   string `yaml:"topic" doc:"mqtt: topic."`
	RSSI    *Float `yaml:"rssi" doc:"Strength of the signal in dBm, for expressions."`
	SNR     *Float `yaml:"snr" doc:"Signal to noise ratio in dB, for expressions."`
	Ignored bool   `yaml:"ignored" doc:"It must be ignored."`
	Error   bool   `yaml:"error" doc:"It must be refused."`

	Parameters map[string]Float  `yaml:"parameters" doc:"Parameters of the device; their defaults if not given."`
	Values     map[string]Scalar `yaml:"values" doc:"All the values that it must decode to, and no others."`
	Alerts     Texts             `yaml:"alerts" doc:"Kinds of all the alerts that are alarming at these values; not checked if not given."`
}
