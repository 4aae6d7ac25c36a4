package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/oklog/ulid/v2"
)

// lost says whether the database has been damaged, so that rows may be missing whose files are there.
func (f *Folder) lost() bool {
	r := f.Store.Recovery()
	return r.Reason != "" || len(r.Missing) > 0
}

// adopt makes the row of a file anew, and reports whether it is evidence. A file has its name only once it is whole.
func (f *Folder) adopt(ctx context.Context, name string, info fs.FileInfo) bool {
	extent := filepath.Ext(name)
	file := File{Alert: strings.TrimSuffix(name, extent), Name: name, Bytes: info.Size(), Created: info.ModTime()}
	for _, part := range []string{Clip, Picture, Voice} {
		if extension(part) == extent {
			file.Part = part
		}
	}
	if _, err := ulid.ParseStrict(file.Alert); err != nil || file.Part == "" || !info.Mode().IsRegular() {
		return false
	}
	in, err := os.Open(filepath.Join(f.Dir, name))
	if err != nil {
		return false
	}
	defer in.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, in); err != nil || n != file.Bytes {
		return false
	}
	file.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f.Store.Tx(ctx, func(tx *sql.Tx) error { return f.Insert(ctx, tx, file) }) == nil
}
