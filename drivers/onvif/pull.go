package onvif

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	nsEvents     = "http://www.onvif.org/ver10/events/wsdl"
	nsNotify     = "http://docs.oasis-open.org/wsn/b-2"
	nsNotifyWSDL = "http://docs.oasis-open.org/wsn/bw-2"
	nsAddressing = "http://www.w3.org/2005/08/addressing"
	maxReference = 8   // parameters of a subscription
	maxMessages  = 200 // of an answer that are looked at
)

// item is a value of a message: a token of its source, or what has become of it.
type item struct {
	Name  string `xml:"Name,attr"`
	Value string `xml:"Value,attr"`
}

// notification is an event as it comes (ONVIF Core, section Notification message format).
type notification struct {
	Topic   string
	Message struct {
		Message struct {
			UtcTime           string `xml:"UtcTime,attr"`
			PropertyOperation string `xml:"PropertyOperation,attr"`
			Source, Data      struct{ SimpleItem []item }
		}
	}
}

// subscription is a pull point: where to ask for messages.
type subscription struct {
	to         *url.URL
	parameters string // of its reference, as headers
	until      time.Time
}

// addressing makes the WS-Addressing header of a request, which some devices want.
func addressing(action string, to *url.URL, parameters string) string {
	return `<a:Action xmlns:a="` + nsAddressing + `">` + action + `</a:Action><a:MessageID xmlns:a="` + nsAddressing + `">urn:uuid:` + uuid() +
		`</a:MessageID><a:To xmlns:a="` + nsAddressing + `">` + escape(to.String()) + `</a:To>` + parameters
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// eventService asks where the service of events is.
func (c *Client) eventService(ctx context.Context) (*url.URL, error) {
	type list struct {
		Service []struct{ Namespace, XAddr string }
	}
	got, err := ask[list](ctx, c, c.device, `<GetServices xmlns="`+nsDevice+`"><IncludeCapability>false</IncludeCapability></GetServices>`)
	if c.barred != nil {
		return nil, c.barred
	}
	for _, one := range got.Service {
		if to := c.manager(one.XAddr); err == nil && one.Namespace == nsEvents && to != nil {
			return to, nil
		}
	}
	type capabilities struct {
		Capabilities struct {
			Events struct{ XAddr string }
		}
	}
	old, err := ask[capabilities](ctx, c, c.device, `<GetCapabilities xmlns="`+nsDevice+`"><Category>Events</Category></GetCapabilities>`)
	if err != nil {
		return nil, err
	}
	if to := c.manager(old.Capabilities.Events.XAddr); to != nil {
		return to, nil
	}
	return nil, failed(Fault, "the device has no service of events")
}

// manager is resolve for an address whose query counts: many devices tell pull points apart by it.
func (c *Client) manager(xaddr string) *url.URL {
	to := c.resolve(xaddr)
	if to == nil {
		return nil
	}
	if u, err := url.Parse(strings.TrimSpace(xaddr)); err == nil {
		to.RawQuery = u.RawQuery
	}
	return to
}

// subscribe makes a pull point that lasts for a while.
func (c *Client) subscribe(ctx context.Context, events *url.URL, last time.Duration) (*subscription, error) {
	type content struct {
		SubscriptionReference struct {
			Address             string
			ReferenceParameters struct {
				All []struct {
					XMLName xml.Name
					Value   string `xml:",chardata"`
				} `xml:",any"`
			}
		}
	}
	c.header = addressing(nsEvents+"/EventPortType/CreatePullPointSubscriptionRequest", events, "")
	defer c.plainHeader()
	got, err := ask[content](ctx, c, events, fmt.Sprintf(`<CreatePullPointSubscription xmlns="%s"><InitialTerminationTime>PT%dS</InitialTerminationTime></CreatePullPointSubscription>`, nsEvents, int(last.Seconds())))
	if err != nil {
		return nil, err
	}
	s := &subscription{to: c.manager(got.SubscriptionReference.Address), until: c.cfg.Now().Add(last)}
	if s.to == nil {
		s.to = events // it says nothing, or nonsense
	}
	for i, p := range got.SubscriptionReference.ReferenceParameters.All {
		if i < maxReference {
			s.parameters += `<p:` + p.XMLName.Local + ` xmlns:p="` + escape(p.XMLName.Space) + `" a:IsReferenceParameter="true" xmlns:a="` + nsAddressing + `">` + escape(strings.TrimSpace(p.Value)) + `</p:` + p.XMLName.Local + `>`
		}
	}
	return s, nil
}

func (c *Client) plainHeader() { c.header = "" }

// pull waits so long for messages. There may be none.
func (c *Client) pull(ctx context.Context, s *subscription, wait time.Duration) ([]notification, error) {
	type content struct {
		NotificationMessage []notification
	}
	c.header = addressing(nsEvents+"/PullPointSubscription/PullMessagesRequest", s.to, s.parameters)
	defer c.plainHeader()
	got, err := ask[content](ctx, c, s.to, fmt.Sprintf(`<PullMessages xmlns="%s"><Timeout>PT%dS</Timeout><MessageLimit>50</MessageLimit></PullMessages>`, nsEvents, int(wait.Seconds())))
	if err != nil {
		return nil, err
	}
	return got.NotificationMessage[:min(len(got.NotificationMessage), maxMessages)], nil
}

// renew makes the pull point last.
func (c *Client) renew(ctx context.Context, s *subscription, last time.Duration) error {
	c.header = addressing(nsNotifyWSDL+"/SubscriptionManager/RenewRequest", s.to, s.parameters)
	defer c.plainHeader()
	_, err := ask[struct{}](ctx, c, s.to, fmt.Sprintf(`<Renew xmlns="%s"><TerminationTime>PT%dS</TerminationTime></Renew>`, nsNotify, int(last.Seconds())))
	if err == nil {
		s.until = c.cfg.Now().Add(last)
	}
	return err
}

// unsubscribe ends the pull point, of which devices have few.
func (c *Client) unsubscribe(ctx context.Context, s *subscription) error {
	c.header = addressing(nsNotifyWSDL+"/SubscriptionManager/UnsubscribeRequest", s.to, s.parameters)
	defer c.plainHeader()
	_, err := ask[struct{}](ctx, c, s.to, `<Unsubscribe xmlns="`+nsNotify+`"/>`)
	return err
}
