// Package chirpstack hears LoRaWAN devices by way of a ChirpStack v4 network
// server, from the events that it publishes over MQTT in JSON
// (chirpstack.io/docs, Integrations, MQTT and Events): topics
// application/{id}/device/{eui}/event/{type}.
//
// An uplink ("up") becomes a message: the payload as the device sent it, and what a
// codec in ChirpStack's device profile made of it as values. ChirpStack may publish
// an event twice, with one deduplicationId: it is handed on once. Of several
// gateways that heard it the strongest counts. A device's report of its battery
// ("status") becomes a message with section [SectionStatus]. "join", and errors that
// ChirpStack logs of a device, change its state here; "ack" and "txack" are about
// downlinks, of which this package sends none.
package chirpstack
