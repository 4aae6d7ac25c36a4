package xmldoc

import (
	"strings"
	"testing"
)

type thing struct {
	Name string `xml:"name"`
}

func limits() Limits { return Limits{Bytes: 1000, Depth: 3, Elements: 5} }

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct{ in, want, err string }{
		"plain":           {in: "<thing><name>a</name></thing>", want: "a"},
		"byte order mark": {in: "\xef\xbb\xbf<thing><name>a</name></thing>", want: "a"},
		"a namespace":     {in: `<x:thing xmlns:x="urn:y"><x:name>a</x:name></x:thing>`, want: "a"},
		"another charset": {in: "<?xml version=\"1.0\" encoding=\"GB2312\"?><thing><name>\xc3\xc5a</name></thing>", want: "?a"},
		"as deep as may":  {in: "<thing><name>a</name><b><c/></b></thing>", want: "a"},
		"empty":           {in: "", err: "no XML"},
		"text alone":      {in: "a", err: "no XML"},
		"cut off":         {in: "<thing><name", err: "not XML"},
		"entities":        {in: `<!DOCTYPE t [<!ENTITY e "eeee">]><thing><name>&e;</name></thing>`, err: "a document type"},
		"deep":            {in: "<thing><a><b><c/></b></a></thing>", err: "deeper than 3"},
		"wide":            {in: "<thing><a/><a/><a/><a/><a/></thing>", err: "more than 5 elements"},
		"long":            {in: "<thing><name>" + strings.Repeat("a", 1000) + "</name></thing>", err: "more than 1000 bytes"},
	} {
		var v thing
		err := Decode([]byte(c.in), limits(), &v)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil || v.Name != c.want {
			t.Errorf("%s: %q, %v; want %q", name, v.Name, err, c.want)
		}
	}
}

// FuzzDecode: nothing that is read is longer than the document, as expanded entities would be.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"<thing><name>a</name></thing>", "\xef\xbb\xbf<a/>", "<a><b><c>", "</a>", "<a>\xff&lt;</a>",
		`<!DOCTYPE t [<!ENTITY e "eeeeeeeeeeeeeeee">]><t><name>&e;&e;&e;&e;&e;&e;&e;&e;&e;</name></t>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v thing
		if err := Decode(b, limits(), &v); err == nil && (len(b) > limits().Bytes || len(v.Name) > len(b)) {
			t.Errorf("%d bytes were read as %q", len(b), v.Name)
		}
	})
}
