// Package speech is what the servers answer: a few things that the recorded model had learned, long counts on request, and
// for everything else an echo that names the model, so that a test sees which one has answered.
package speech

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kaito-base/control"
)

type Message struct{ Role, Content string }

var learned = map[string]string{
	"What's the capital of France?": "Paris, as if everyone doesn't know that already.",
	"Who wrote Hamlet?":             "William Shakespeare. Heard of him?",
	"Say hello in Greek.":           "Καλημέρα! 👋🏽 naïve café.",
}

var count = regexp.MustCompile(`(?i)^count to (\d+)`)

// Answer is the whole text; the limit of tokens comes later.
func Answer(model string, messages []Message) string {
	last := ""
	for _, message := range messages {
		if message.Role == "user" {
			last = message.Content
		}
	}
	if known, found := learned[last]; found {
		return known
	}
	if match := count.FindStringSubmatch(last); match != nil {
		to, _ := strconv.Atoi(match[1])
		words := make([]string, 0, min(to, 100_000))
		for i := 1; i <= min(to, 100_000); i++ {
			words = append(words, strconv.Itoa(i))
		}
		return strings.Join(words, " ")
	}
	return fmt.Sprintf("%s heard %d messages, the last: %s", model, len(messages), last)
}

var token = regexp.MustCompile(`\s?\S{1,6}|\s+`)

// Tokens are pieces of a text; joined they are the text.
func Tokens(text string) []string { return token.FindAllString(text, -1) }

// PromptTokens counts a conversation with what a chat template puts around each message.
func PromptTokens(messages []Message) int {
	total := 1
	for _, message := range messages {
		total += 3 + len(Tokens(message.Content))
	}
	return total
}

// Generation is an answer after the limits.
type Generation struct {
	Tokens []string
	// stop or length.
	Finish string
	// The stop text that ended it, with quotes, or null.
	StopReason string
}

// Generate cuts an answer at a stop text, which is kept only where the server keeps it, and at the limit of tokens.
func Generate(text string, limit int, stops []string, keepStop bool) Generation {
	g := Generation{Finish: "stop", StopReason: "null"}
	for _, stop := range stops {
		if at := strings.Index(text, stop); stop != "" && at >= 0 {
			text, g.StopReason = text[:at], strconv.Quote(stop)
			if keepStop {
				text += stop
			}
		}
	}
	g.Tokens = Tokens(text)
	// The end of the answer is a token too.
	if len(g.Tokens)+1 > limit {
		g.Tokens, g.Finish, g.StopReason = g.Tokens[:min(limit, len(g.Tokens))], "length", "null"
	}
	return g
}

// Count is how many tokens were generated, with the one that ends an answer.
func (g Generation) Count() int {
	if g.Finish == "stop" {
		return len(g.Tokens) + 1
	}
	return len(g.Tokens)
}

// Speak hands out the tokens at the pace of the behaviour; false when it was told to fail on the way.
func (g Generation) Speak(c *control.Control, onToken func(string)) bool {
	for i, each := range g.Tokens {
		control.Wait(c.Now().TokenMs, 5*time.Millisecond)
		if c.Reach(fmt.Sprintf("token:%d", i+1), func() {}) == "fail" {
			return false
		}
		onToken(each)
	}
	return true
}
