package alert

import "time"

// Terms say who hears of an alert first and how long people have. Zero fields leave
// it to the next best.
type Terms struct {
	Level         Level
	RespondWithin time.Duration
	HandleWithin  time.Duration
}

// terms returns what holds for a kind and severity.
func (s *Service) terms(kind string, severity int) Terms {
	t := s.Kinds[kind].or(s.Severities[severity])
	return t.or(Terms{Level: s.FirstLevel, RespondWithin: s.RespondWithin, HandleWithin: s.HandleWithin})
}

func (t Terms) or(u Terms) Terms {
	if t.Level == "" {
		t.Level = u.Level
	}
	if t.RespondWithin == 0 {
		t.RespondWithin = u.RespondWithin
	}
	if t.HandleWithin == 0 {
		t.HandleWithin = u.HandleWithin
	}
	return t
}
