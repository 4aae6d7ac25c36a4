package radio

import "slices"

// Describe gives systems other names, grids, units, groups and rules while their sources run on. It
// is false, and nothing is changed, if the list has not the same systems in the same order. The
// sources of the list are not looked at.
func (h *Hub) Describe(list []System) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.EqualFunc(h.systems, list, func(s *system, c System) bool { return s.ID == c.ID && s.Driver == c.Driver }) {
		return false
	}
	for i, c := range list {
		s := h.systems[i]
		s.Name, s.Grid, s.Units, s.Groups, s.Rules, s.Fold = c.Name, c.Grid, c.Units, c.Groups, c.Rules, c.Fold
		s.told.Name, s.told.Grid = c.Name, c.Grid
	}
	return true
}

// described returns the system as it is described now.
func (s *system) described() System {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.System
}
