package duty

import (
	"regexp"
	"slices"
	"testing"

	"sentrybox/gateway/text"
)

func TestEqualStepsAreOne(t *testing.T) {
	got := inOrder([]event{
		{At: 40, What: "raised"}, {At: 10, What: "raised"}, {At: 20, What: "raised"}, // not in order
		{At: 30, What: "acknowledged", Who: "Wang"}, {At: 50, What: "raised", Note: "again"}, {At: 60, What: "raised", Note: "again"},
	})
	want := []event{
		{At: 10, Last: 20, Times: 2, What: "raised"}, {At: 30, Last: 30, Times: 1, What: "acknowledged", Who: "Wang"},
		{At: 40, Last: 40, Times: 1, What: "raised"}, {At: 50, Last: 60, Times: 2, What: "raised", Note: "again"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if got := inOrder(nil); got == nil || len(got) != 0 {
		t.Errorf("nothing is %#v, which a script does not take for a list", got)
	}
}

func TestEnglishCountsOneAsOne(t *testing.T) {
	many := regexp.MustCompile(`\{\d\} [a-z]{2,}s\b`)
	if !many.MatchString("{0} alerts wait") {
		t.Fatal("what is looked for is not found")
	}
	for key, sentence := range text.Below(text.English, "duty.js.") {
		if many.MatchString(sentence) {
			t.Errorf("duty.js.%s says %q of one too", key, sentence)
		}
	}
}
