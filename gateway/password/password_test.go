package password

import (
	"bytes"
	"testing"
)

func TestHash(t *testing.T) {
	h, err := Parse(New("秘密"))
	if err != nil || !h.Fits("秘密") || h.Fits("秘") || bytes.Equal(h.salt, make([]byte, saltBytes)) {
		t.Errorf("%+v, %v", h, err)
	}
	for _, bad := range []string{
		"", "x", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=19456,t=0,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=19456,t=2,p=0$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5 x",
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := Parse("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5"); err != nil {
		t.Error(err)
	}
}
