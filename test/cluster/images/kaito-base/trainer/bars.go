package trainer

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// bar is tqdm writing into a pipe. Making one flushes stdout, as tqdm does.
type bar struct {
	run      *Run
	label    string
	unit     string
	total    int
	done     int
	started  time.Time
	drawnAt  time.Time
	shown    string
	disabled bool
}

// tqdm draws a bar again at most this often.
const redrawAfter = 100 * time.Millisecond

func (r *Run) newBar(label, unit string, total int) *bar {
	b := &bar{run: r, label: label, unit: unit, total: total, started: time.Now()}
	r.Stdout.Flush()
	b.draw()
	return b
}

func (b *bar) draw() {
	if b.disabled {
		return
	}
	b.shown = renderBar(b.label, b.unit, b.done, b.total, time.Since(b.started))
	b.drawnAt = time.Now()
	b.run.err("\r" + b.shown)
}

func (b *bar) advance(done int) {
	b.done = done
	if time.Since(b.drawnAt) >= redrawAfter || done == b.total {
		b.draw()
	}
}

// write blanks the bar, prints a line on stdout, and draws the bar again.
func (b *bar) write(line string) {
	if !b.disabled {
		b.run.err("\r" + spaces(b.shown) + "\r")
	}
	b.run.Stdout.Print(line)
	b.draw()
}

// evaluate draws a second bar on the line below, which is gone when the evaluation is over and its entry is written.
func (b *bar) evaluate(rows int, line string) {
	if b.disabled {
		b.run.Stdout.Print(line)
		return
	}
	const up = "\x1b[A"
	b.run.Stdout.Flush()
	below := renderBar("", "it", 0, rows, 0)
	b.run.err("\n\r" + below + up)
	time.Sleep(5 * time.Millisecond)
	b.run.err("\r" + spaces(b.shown) + "\r\n\r" + spaces(below) + "\r" + up)
	b.run.Stdout.Print(line)
	b.draw()
	below = renderBar("", "it", rows, rows, 5*time.Millisecond)
	b.run.err("\n\r" + below + up + "\n\r" + spaces(below) + up)
}

func spaces(text string) string { return strings.Repeat(" ", len([]rune(text))) }

func (b *bar) close() {
	if b.disabled {
		return
	}
	b.draw()
	b.run.err("\n")
}

// pass is a bar that goes from its beginning to its end.
func (r *Run) pass(label, unit string, total int, duration time.Duration) {
	b := r.newBar(label, unit, total)
	time.Sleep(duration)
	b.done = total
	b.close()
}

func renderBar(label, unit string, done, total int, elapsed time.Duration) string {
	fraction := float64(done) / float64(total)
	eighths := int(fraction * 80)
	cells := strings.Repeat("█", eighths/8)
	if eighths < 80 {
		cells += string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]) + strings.Repeat(" ", 9-eighths/8)
	}
	if label != "" {
		label += ": "
	}
	seconds := elapsed.Seconds()
	rate, left := "?"+unit+"/s", "?"
	if done > 0 && seconds > 0 {
		perSecond := float64(done) / seconds
		left = interval(float64(total-done) / perSecond)
		rate = fmt.Sprintf("%5.2f%s/s", perSecond, unit)
		if perSecond < 1 {
			rate = fmt.Sprintf("%5.2fs/%s", 1/perSecond, strings.TrimSpace(unit))
		}
	}
	return fmt.Sprintf("%s%3.0f%%|%s| %d/%d [%s<%s, %s]", label, math.RoundToEven(fraction*100), cells, done, total, interval(seconds), left, rate)
}

func interval(seconds float64) string {
	whole := int(seconds)
	if whole >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
	}
	return fmt.Sprintf("%02d:%02d", whole/60, whole%60)
}
