package wire

import "fmt"

// StillID is the least identifier of a Still, so that no detection has it.
const StillID = 1 << 63

// Still asks for the newest picture that was decoded, private parts painted over. The
// answer is a Picture with the Still's ID in place of a detection's, and empty if nothing
// has been decoded yet.
type Still struct {
	ID uint64 `json:"id"`
	// Most is how many bytes a small JPEG may have; 0 asks for the whole picture.
	Most int `json:"most,omitempty"`
}

// Validate checks what a Still must hold to.
func (s *Still) Validate() error {
	if s.ID < StillID || s.Most < 0 || s.Most > MaxThumbnail {
		return fmt.Errorf("still %d of %d bytes: the id is at least %d, the bytes at most %d", s.ID, s.Most, uint64(StillID), MaxThumbnail)
	}
	return nil
}
