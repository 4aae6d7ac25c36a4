package health

// Metric describes a series.
type Metric struct {
	Name    string
	Help    string
	Counter bool // it only grows, from the start of the program at the least
	Labels  []string
}

// Prefix stands before every name at /metrics and at InfluxDB.
const Prefix = "sentrybox_"

// Metrics returns every series that a gateway has, histograms aside. The names are
// without Prefix.
func Metrics() []Metric {
	camera, lane, uplink := []string{"camera"}, []string{"lane"}, []string{"uplink"}
	device, bus := []string{"device"}, []string{"bus"}
	return []Metric{
		{"gateway_uptime_seconds", "Time since the program was started.", false, nil},
		{"gateway_resident_bytes", "Memory of the gateway's process, that of vision processes aside.", false, nil},
		{"gateway_heap_live_bytes", "Memory in use when garbage was last collected.", false, nil},
		{"gateway_goroutines", "Goroutines of the gateway.", false, nil},
		{"gateway_threads", "Threads of the gateway's process.", false, nil},
		{"gateway_open_files", "Files and sockets that the gateway has open.", false, nil},
		{"clock_synced", "1 if the wall clock has been set.", false, nil},
		{"alerts_open", "Alerts that somebody still has to do something about.", false, nil},
		{"outbox_depth", "Messages that wait for the line.", false, lane},
		{"outbox_bytes", "Bytes that wait for the line.", false, lane},
		{"outbox_oldest_seconds", "Age of the oldest message that waits.", false, lane},
		{"outbox_dropped", "Messages dropped since a lane was full, too old, or the disk was.", true, lane},
		{"outbox_folded", "Metric samples that became averages.", true, lane},
		{"uplink_online", "1 for the uplink in use.", false, uplink},
		{"uplink_refused", "1 while the broker refuses password or certificate.", false, uplink},
		{"uplink_sent_bytes", "Bytes sent, protocol included.", true, uplink},
		{"uplink_received_bytes", "Bytes received, protocol included.", true, uplink},
		{"uplink_month_bytes", "Bytes of this month, both ways.", false, uplink},
		{"camera_online", "1 while the camera delivers pictures that can be analysed.", false, camera},
		{"camera_access_units", "Encoded pictures received.", true, camera},
		{"camera_bytes", "Bytes of video received.", true, camera},
		{"camera_packets_lost", "RTP packets that did not arrive.", true, camera},
		{"camera_reconnects", "Sessions begun anew.", true, camera},
		{"camera_decoded", "Pictures decoded.", true, camera},
		{"camera_analysed", "Pictures analysed.", true, camera},
		{"camera_damaged", "Encoded pictures that could not be decoded.", true, camera},
		{"camera_skipped", "Pictures not analysed since the box is too slow.", true, camera},
		{"camera_lag_seconds", "How far analysis is behind.", false, camera},
		{"camera_rate", "Pictures a second that may be analysed; 0 is keyframes alone.", false, camera},
		{"camera_kept_seconds", "Video that is kept in memory, for clips.", false, camera},
		{"load_step", "How much was taken from analysis since the box is too slow: 0 nothing, 5 all but keyframes.", false, nil},
		{"load_pressure", "Share of the time in which something waited for a processor.", false, nil},
		{"load_hot", "1 while a temperature slows the processor down.", false, nil},
		{"camera_vision_restarts", "Restarts of the vision process.", true, camera},
		{"camera_vision_starved", "Restarts after the kernel ended the vision process for want of memory.", true, camera},
		{"camera_events_lost", "Events given up before they were durable.", true, camera},
		{"local_clients", "Clients at the local broker.", false, nil},
		{"local_received", "Messages that the local broker took from clients.", true, nil},
		{"local_refused", "Sign-ins that the local broker refused.", true, nil},
		{"local_dropped", "Messages that a slow client at the local broker did not get, or that are not retained.", true, nil},
		{"evidence_files", "Clips and pictures kept.", false, nil},
		{"evidence_bytes", "Bytes of clips and pictures kept.", false, nil},
		{"evidence_kept", "Clips and pictures made.", true, nil},
		{"evidence_lost", "Clips and pictures that could not be made.", true, nil},
		{"influx_online", "1 if the last write to InfluxDB was taken.", false, nil},
		{"influx_written", "Lines that InfluxDB took.", true, nil},
		{"influx_quarantined", "Lines that InfluxDB did not want.", true, nil},
		{"influx_failures", "Writes to InfluxDB that were put off.", true, nil},
		{"influx_waiting", "Batches that wait for InfluxDB.", false, nil},
		{"device_online", "1 while a sensor, a bus or an output does what it should.", false, device},
		{"device_rssi", "Signal of a sensor's last message, in dBm.", false, device},
		{"device_messages", "Messages of a sensor that were looked at.", true, device},
		{"device_readings", "Values of a sensor that were used.", true, device},
		{"device_impossible", "Values of a sensor that cannot be, by its profile.", true, device},
		{"device_rejected", "Messages of a sensor that mean nothing.", true, device},
		{"device_limited", "Messages of a sensor that were dropped since it sends too many.", true, device},
		{"bus_messages", "Messages that came over a bus.", true, bus},
		{"bus_rejected", "Frames with a wrong checksum or code, repeated, or of nobody who is known.", true, bus},
		{"bus_noise_bytes", "Bytes on a bus that belonged to no frame.", true, bus},
		{"bus_timeouts", "Requests on a bus that were not answered.", true, bus},
		{"bus_opened", "Times that a bus was opened.", true, bus},
		{"alarms_lost", "Alarms of sensors given up before they were durable.", true, nil},
		{"reading", "Newest reading of a sensor.", false, []string{"device", "quantity"}},
	}
}

// Histogram names, without Prefix; at InfluxDB and over MQTT with _bucket and the
// label le, _sum and _count behind them.
const (
	Delivery = "alert_delivery_seconds"
	Decision = "alert_decision_to_delivery_seconds"
)

// HistogramHelp says what the histograms are.
func HistogramHelp(name string) string {
	return map[string]string{
		Delivery: "From the moment that a revision of an alert was durable until a broker outside acknowledged it.",
		Decision: "From the picture that decided an alert until a broker outside acknowledged its first revision.",
	}[name]
}
