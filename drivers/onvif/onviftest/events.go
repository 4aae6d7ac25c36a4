package onviftest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Events is a device's service of events; see Server.Events. The zero value is ready.
type Events struct {
	// NoRenew answers Renew with a fault, as some devices do.
	NoRenew bool
	// Hasty answers PullMessages at once, whether there is anything or not.
	Hasty bool

	mu     sync.Mutex // guards what follows
	points map[string]*point
	named  int
	state  map[string]string // newest messages by topic and source, told to who subscribes
	gone   int
}

type point struct {
	waiting []string
	more    chan struct{}
}

// Notify tells of an event: of a topic such as tns1:Device/Trigger/DigitalInput, with a token of
// its source and a value. at is the device's time.
func (e *Events) Notify(topic, source, token, name, value string, at time.Time) {
	one := func(operation string) string {
		return fmt.Sprintf(`<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">%s</wsnt:Topic><wsnt:Message>`+
			`<tt:Message UtcTime="%s" PropertyOperation="%s"><tt:Source><tt:SimpleItem Name="%s" Value="%s"/></tt:Source><tt:Data><tt:SimpleItem Name="%s" Value="%s"/></tt:Data></tt:Message>`+
			`</wsnt:Message></wsnt:NotificationMessage>`, topic, at.UTC().Format("2006-01-02T15:04:05Z"), operation, source, token, name, value)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == nil {
		e.state = map[string]string{}
	}
	e.state[topic+token] = one("Initialized")
	for _, p := range e.points {
		p.waiting = append(p.waiting, one("Changed"))
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// Drop forgets all subscriptions, as a device that restarts does.
func (e *Events) Drop() {
	e.mu.Lock()
	e.points = nil
	e.mu.Unlock()
}

// Points returns how many subscriptions there are, and how many were ended.
func (e *Events) Points() (now, ended int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.points), e.gone
}

const noSuch = `<env:Fault><env:Code><env:Value>env:Receiver</env:Value><env:Subcode><env:Value>wsrf-rw:ResourceUnknownFault</env:Value></env:Subcode></env:Code>` +
	`<env:Reason><env:Text xml:lang="en">No such subscription</env:Text></env:Reason></env:Fault>`

// answer answers what is asked of the service.
func (e *Events) answer(ctx context.Context, s *Server, action string, r *http.Request) (status int, body string, known bool) {
	if action == "CreatePullPointSubscription" {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.points == nil {
			e.points = map[string]*point{}
		}
		e.named++
		name := fmt.Sprint("p", e.named)
		p := &point{more: make(chan struct{}, 1)}
		for _, m := range e.state {
			p.waiting = append(p.waiting, m)
		}
		e.points[name] = p
		status, body = ok(`<tev:CreatePullPointSubscriptionResponse xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:wsa5="http://www.w3.org/2005/08/addressing">`+
			`<tev:SubscriptionReference><wsa5:Address>%s?Idx=%s</wsa5:Address><wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.example.com/2009/event">%[2]s</dom0:SubscriptionId></wsa5:ReferenceParameters>`+
			`</tev:SubscriptionReference><wsnt:CurrentTime>%s</wsnt:CurrentTime><wsnt:TerminationTime>%[3]s</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`,
			s.xaddr("Subscription"), name, s.now().Format(time.RFC3339))
		return status, body, true
	}
	name := r.URL.Query().Get("Idx")
	e.mu.Lock()
	p := e.points[name]
	e.mu.Unlock()
	switch {
	case action != "PullMessages" && action != "Renew" && action != "Unsubscribe":
		return 0, "", false
	case p == nil:
		return http.StatusInternalServerError, noSuch, true
	case action == "Renew" && e.NoRenew:
		return http.StatusInternalServerError, strings.ReplaceAll(noSuch, "No such subscription", "Not supported"), true
	case action == "Renew":
		status, body = ok(`<wsnt:RenewResponse xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><wsnt:TerminationTime>%s</wsnt:TerminationTime></wsnt:RenewResponse>`, s.now().Format(time.RFC3339))
		return status, body, true
	case action == "Unsubscribe":
		e.mu.Lock()
		delete(e.points, name)
		e.gone++
		e.mu.Unlock()
		status, body = ok(`<wsnt:UnsubscribeResponse xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"/>`)
		return status, body, true
	}
	status, body = e.pull(ctx, s, p)
	return status, body, true
}

func (e *Events) pull(ctx context.Context, s *Server, p *point) (int, string) {
	if !e.Hasty {
		wait := time.NewTimer(2 * time.Second) // less than it was asked to
		defer wait.Stop()
		e.mu.Lock()
		none := len(p.waiting) == 0
		e.mu.Unlock()
		if none {
			select {
			case <-p.more:
			case <-wait.C:
			case <-ctx.Done():
			}
		}
	}
	e.mu.Lock()
	messages := strings.Join(p.waiting, "")
	p.waiting = nil
	e.mu.Unlock()
	return ok(`<tev:PullMessagesResponse xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tns1="http://www.onvif.org/ver10/topics">`+
		`<tev:CurrentTime>%s</tev:CurrentTime><tev:TerminationTime>%[1]s</tev:TerminationTime>%[2]s</tev:PullMessagesResponse>`, s.now().Format(time.RFC3339), messages)
}
