package trainer

import (
	"bytes"
	"os"
)

// Stdout is Python's: into a pipe it is kept until there is enough of it, unless PYTHONUNBUFFERED is set.
type Stdout struct {
	kept       bytes.Buffer
	unbuffered bool
}

const stdoutBufferBytes = 8192

func NewStdout() *Stdout { return &Stdout{unbuffered: os.Getenv("PYTHONUNBUFFERED") != ""} }

func (s *Stdout) Print(line string) {
	s.kept.WriteString(line + "\n")
	if s.unbuffered || s.kept.Len() >= stdoutBufferBytes {
		s.Flush()
	}
}

func (s *Stdout) Flush() {
	_, _ = s.kept.WriteTo(os.Stdout)
}
