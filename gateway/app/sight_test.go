package app

import (
	"slices"
	"testing"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
)

// TestSight: which cameras count as blind, when that is the whole job, and when it is for want of memory.
func TestSight(t *testing.T) {
	well := camera.State{Phase: "online"}
	off := camera.State{Phase: "unreachable", Reason: "connection refused"}
	poisoned := camera.State{Phase: camera.Blind, Reason: "exit status 7"}
	starving := camera.State{Phase: camera.Blind, Reason: camera.ErrNoMemory.Error(), Starved: true}
	for name, tc := range map[string]struct {
		cameras map[string]camera.State
		blind   []string
		stuck   bool
		code    string
	}{
		"no cameras":            {nil, nil, false, ""},
		"well":                  {map[string]camera.State{"a": well, "b": off}, nil, false, ""},
		"all off":               {map[string]camera.State{"a": off, "b": off}, nil, false, ""},
		"one is poisoned":       {map[string]camera.State{"a": well, "b": poisoned}, []string{"camera b: exit status 7"}, false, ""},
		"all that send are":     {map[string]camera.State{"a": off, "b": poisoned}, []string{"camera b: exit status 7"}, true, ""},
		"no memory for one":     {map[string]camera.State{"a": well, "b": starving}, []string{"camera b: " + camera.ErrNoMemory.Error()}, false, alert.MemoryShort},
		"nor for any, in order": {map[string]camera.State{"b": poisoned, "a": starving}, []string{"camera a: " + camera.ErrNoMemory.Error(), "camera b: exit status 7"}, true, alert.MemoryShort},
	} {
		t.Run(name, func(t *testing.T) {
			if got := blind(tc.cameras); !slices.Equal(got, tc.blind) {
				t.Errorf("blind: %q", got)
			}
			if got := allBlind(tc.cameras); (len(got) > 0) != tc.stuck {
				t.Errorf("stuck: %q", got)
			}
			if got := starved(tc.cameras); got != tc.code {
				t.Errorf("system alert %q", got)
			}
		})
	}
}
