package duty

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var validClient = regexp.MustCompile(`^duty[A-Z2-7]{16}$`)

// clientID is what brokers know this console by. It stays the same over restarts, so that a
// broker keeps what comes meanwhile, and is another for each data folder, since a broker lets
// only one of a name in.
func clientID(dir string) (string, error) {
	path := filepath.Join(dir, "client")
	have, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(have)); err == nil && validClient.MatchString(id) {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the client id: %w", err)
	}
	id := "duty" + rand.Text()[:16]
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the client id: %w", err)
	}
	return id, nil
}
