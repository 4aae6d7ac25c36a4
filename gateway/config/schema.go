package config

import (
	"log/slog"

	"sentrybox/analytics/wire"
)

// Config is a whole configuration file.
type Config struct {
	Gateway       Gateway       `yaml:"gateway"`
	Data          string        `yaml:"data"` // folder of everything durable
	Storage       Storage       `yaml:"storage"`
	Metrics       Metrics       `yaml:"metrics"`
	HomeAssistant HomeAssistant `yaml:"home_assistant"`
	Evidence      Evidence      `yaml:"evidence"`
	Lookback      Lookback      `yaml:"lookback"`
	Web           Web           `yaml:"web"`
	Uplink        Uplink        `yaml:"uplink"`
	Broker        Broker        `yaml:"broker"`
	Alerts        Alerts        `yaml:"alerts"`
	Plans         Plans         `yaml:"plans"`
	Vision        Vision        `yaml:"vision"`
	Log           Log           `yaml:"log"`
	Watchdog      Watchdog      `yaml:"watchdog"`
	LED           string        `yaml:"led"` // in /sys/class/leds, that tells how the gateway is; auto for the board's own; none when empty
	Cameras       []Camera      `yaml:"cameras"`
	Profiles      string        `yaml:"profiles"` // folder of profiles that go before those of the product
	Buses         []Bus         `yaml:"buses"`
	Sensors       []Sensor      `yaml:"sensors"`
	Outputs       []Output      `yaml:"outputs"`
	Rules         []SensorRule  `yaml:"rules"`
	Intercoms     []Radio       `yaml:"intercoms"` // the same, by the name that a technician looks for; part of Radios once it is read
	Radios        []Radio       `yaml:"radios"`
}

// Gateway says which box this is and where it stands. The names are parts of
// MQTT topics.
type Gateway struct {
	ID        string `yaml:"id"`
	Street    string `yaml:"street"`
	Community string `yaml:"community"`
	// Timezone is the IANA name by which schedules are read; the system's own
	// when empty.
	Timezone string `yaml:"timezone"`
}

// Uplink is every way out of the box.
type Uplink struct {
	Prefix string `yaml:"prefix"` // before street, community and gateway in every topic
	MQTT   []MQTT `yaml:"mqtt"`   // in order of preference
	Short  Short  `yaml:"short"`  // for what is grave, when none of them delivers
}

// MQTT is one broker.
type MQTT struct {
	URL      URL    `yaml:"url"` // mqtt:// or mqtts://, may carry user and password
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
	CA       string `yaml:"ca"`   // PEM file that must have signed the broker's certificate
	Cert     string `yaml:"cert"` // PEM file of our own certificate
	Key      string `yaml:"key"`

	// Name stands for the uplink in metrics and logs; mqtt-1 and so on when empty.
	Name string `yaml:"name"`
	// Interface is the network interface to leave by, such as wwan0, or an address
	// of this machine; the routing table decides when empty.
	Interface    string `yaml:"interface"`
	PasswordFile string `yaml:"password_file"`
	// Pin is the broker's public key, sha256/ and Base64 (RFC 7469). Without a ca
	// it alone decides.
	Pin    string `yaml:"pin"`
	Budget Budget `yaml:"budget"`
}

// Vision says how vision processes run.
type Vision struct {
	// Path is the sentrybox-vision program; beside this one, then on PATH, when
	// empty.
	Path string `yaml:"path"`
	// AddressSpace bounds one process, in MiB.
	AddressSpace int `yaml:"address_space"`
	// Hardware is auto, which is the board's own decoder if it has one that bears the
	// stream, or off.
	Hardware string `yaml:"hardware"`
	// Confirm and Detector are for cameras that have none of their own.
	Confirm  Confirm  `yaml:"confirm"`
	Detector Detector `yaml:"detector"`
}

// Log says what is logged.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn or error
}

// Slog returns the level in slog's terms.
func (l Log) Slog() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// Camera is one camera and what to look for in its picture.
type Camera struct {
	ID        string   `yaml:"id"`
	URL       URL      `yaml:"url"`        // rtsp://, rtsps:// or dvrip://; evidence comes from here
	DetectURL URL      `yaml:"detect_url"` // a substream for analysis
	Transport string   `yaml:"transport"`  // auto, tcp or udp
	Insecure  bool     `yaml:"insecure"`   // accept any certificate of an rtsps:// camera
	Grid      string   `yaml:"grid"`
	Privacy   Polygons `yaml:"privacy"` // never analysed, never shown
	// Clips says whether video is kept of alerts: always and auto, or never. Where something is
	// private it is of single pictures that are painted over, whatever is said.
	Clips string `yaml:"clips"`
	// Decode says which pictures are decoded: auto, which is keyframes alone while nothing
	// happens, or full, which is every one.
	Decode string          `yaml:"decode"`
	Zones  map[string]Zone `yaml:"zones"`
	// Heights are two people who were drawn, one near and one far, and tell how tall people
	// are in the picture. None: it is learned from those who pass.
	Heights []Height `yaml:"heights"`
	Detect  []Rule   `yaml:"detect"`
	// Confirm is auto, off or hog; Detector stands in place of Vision's.
	Confirm  Confirm  `yaml:"confirm"`
	Detector Detector `yaml:"detector"`
}

// Zone is a part of the picture: a polygon, or a line for line_crossing.
type Zone struct {
	Polygon Polygon `yaml:"polygon"`
	Line    Line    `yaml:"line"`
	// Direction says which way of crossing the line counts: both, left_to_right
	// or right_to_left, as seen by someone who walks from the line's first point to
	// its last.
	Direction wire.Direction `yaml:"direction"`
	// Floors says where the floors of a facade lie, for thrown_object.
	Floors []Floor `yaml:"floors"`
}

// Rule is one behaviour to look for.
type Rule struct {
	Kind     wire.Kind `yaml:"kind"`
	Zone     string    `yaml:"zone"` // "all" when empty
	After    Duration  `yaml:"after"`
	People   int       `yaml:"people"`
	Schedule Schedule  `yaml:"schedule"` // always when empty
	Severity int       `yaml:"severity"` // 1, the gravest, to 4
}

// AllZones is the name of the zone that is the whole picture. It need not be
// drawn.
const AllZones = "all"

// Polygon is points as fractions of the picture.
type Polygon []wire.Point

// Line is two points or more as fractions of the picture.
type Line []wire.Point

// Polygons is one polygon or a list of polygons.
type Polygons []Polygon

// Defaults returns the configuration that an empty file means.
func Defaults() Config {
	return Config{
		Storage:  defaultStorage(),
		Evidence: defaultEvidence(),
		Lookback: defaultLookback(),
		Web:      defaultWeb(),
		Uplink:   Uplink{Prefix: "sentrybox/v1", Short: defaultShort()},
		Broker:   Broker{Clients: 64},
		Alerts:   defaultAlerts(),
		Vision:   Vision{AddressSpace: 4096, Hardware: HardwareOff, Confirm: ConfirmAuto},
		Log:      Log{Level: "info"},
		Watchdog: defaultWatchdog(),
	}
}

// defaultSeverity is used where a rule names none.
func defaultSeverity(k wire.Kind) int {
	switch k {
	case wire.ThrownObject, wire.Intrusion, wire.Gathering, wire.Tamper:
		return 2
	case wire.Motion:
		return 4
	default:
		return 3
	}
}
