// Package chirpstacktest makes the events that ChirpStack v4 publishes.
package chirpstacktest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Publisher is a simulated ChirpStack with one application and one device. Its
// methods may be called from several goroutines.
type Publisher struct {
	// Publish sends to the broker.
	Publish func(topic string, payload []byte) error
	// Application is a UUID; one is made up if empty.
	Application string
	// EUI is the device's.
	EUI string

	mu      sync.Mutex
	counter uint32 // guarded by mu
}

// Reception is by which gateway an uplink was heard.
type Reception struct {
	Gateway string
	RSSI    int
	SNR     float64
}

// UUID makes one up.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Event publishes an event as it is.
func (p *Publisher) Event(kind string, fields map[string]any) error {
	p.mu.Lock()
	if p.Application == "" {
		p.Application = UUID()
	}
	app := p.Application
	p.mu.Unlock()
	e := map[string]any{
		"deduplicationId": UUID(), "time": time.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00"),
		"deviceInfo": map[string]any{
			"tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "ChirpStack", "applicationId": app, "applicationName": "meiyuan",
			"deviceProfileId": "605d08d4-65f5-4d2c-8a5a-3d2457662f79", "deviceProfileName": "sensor", "deviceName": "sensor", "devEui": p.EUI,
			"deviceClassEnabled": "CLASS_A", "tags": map[string]string{},
		},
	}
	maps.Copy(e, fields)
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return p.Publish("application/"+app+"/device/"+p.EUI+"/event/"+kind, b)
}

// Up publishes an uplink with the next counter. object may be nil.
func (p *Publisher) Up(port int, data []byte, object map[string]any, by ...Reception) error {
	return p.Event("up", p.Uplink(port, data, object, by...))
}

// Uplink returns the fields of an uplink, to be changed and published with Event.
func (p *Publisher) Uplink(port int, data []byte, object map[string]any, by ...Reception) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	rx := make([]map[string]any, 0, len(by))
	for _, r := range by {
		rx = append(rx, map[string]any{"gatewayId": r.Gateway, "uplinkId": uint32(4217106255), "rssi": r.RSSI, "snr": r.SNR, "channel": 2, "crcStatus": "CRC_OK",
			"location": map[string]any{}, "context": "EFwMtA==", "metadata": map[string]string{"region_common_name": "CN470"}})
	}
	fields := map[string]any{
		"deduplicationId": UUID(), "devAddr": "00189440", "adr": true, "dr": 5, "fCnt": p.counter, "fPort": port, "confirmed": false,
		"data": base64.StdEncoding.EncodeToString(data), "rxInfo": rx,
		"txInfo": map[string]any{"frequency": 470300000, "modulation": map[string]any{"lora": map[string]any{"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}}},
	}
	if object != nil {
		fields["object"] = object
	}
	p.counter++
	return fields
}
