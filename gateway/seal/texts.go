package seal

import "regexp"

// form is a sealed text, or, behind a further $, one that stands for itself.
var form = regexp.MustCompile(`\$?\$\{` + Prefix + `([A-Za-z0-9_-]+)\}`)

// Texts returns the sealed texts in body, in order, without what stands around them.
func Texts(body []byte) (all []string) {
	Replace(body, func(sealed string) (string, bool) {
		all = append(all, sealed)
		return "", false
	})
	return all
}

// Replace puts what with returns in the place of the sealed texts in body, and leaves those alone of which it returns
// false. with gets what stands behind Prefix, and returns a text for a configuration.
func Replace(body []byte, with func(sealed string) (string, bool)) []byte {
	return form.ReplaceAllFunc(body, func(m []byte) []byte {
		if m[1] == '$' {
			return m
		}
		if text, ok := with(string(form.FindSubmatch(m)[1])); ok {
			return []byte(text)
		}
		return m
	})
}
