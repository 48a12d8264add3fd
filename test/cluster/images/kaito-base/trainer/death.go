package trainer

import (
	"embed"
	"strings"
)

// The tracebacks as the real script was seen to write them, with its own values left open.
//
//go:embed deaths/*.txt usage/*.txt
var texts embed.FS

// death ends the script with what it writes on stderr.
type death struct {
	text string
	// Printed on stdout before.
	said string
	// The bar that was being drawn: it is drawn once more behind the text.
	bar *bar
	// The script's own; accelerate ends with 1 whatever it is.
	exitCode int
}

func (d *death) Error() string { return d.text }

// on says which bar was being drawn.
func (d *death) on(b *bar) *death {
	d.bar = b
	return d
}

// dies makes a death from a recorded one: pairs of an open value's name and the value.
func dies(name string, values ...string) *death {
	recorded, err := texts.ReadFile("deaths/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	return &death{text: fill(string(recorded), values), exitCode: 1}
}

func fill(text string, values []string) string {
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "{"+values[i]+"}", values[i+1])
	}
	return text
}

// refused is argparse's way to end: all options there are, then the complaint. accelerate turns its exit code 2 into 1.
func refused(section, complaint string) *death {
	usage := "usage: fine_tuning.py [-h]\n"
	if recorded, err := texts.ReadFile("usage/" + section + ".txt"); err == nil {
		usage = string(recorded)
	}
	return &death{text: usage + "fine_tuning.py: error: " + complaint + "\n", exitCode: 2}
}
