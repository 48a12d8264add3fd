package trainer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

type turn struct {
	Content string `parquet:"content"`
	Role    string `parquet:"role"`
}

type conversation struct {
	Messages []turn `parquet:"messages,list"`
}

// The schema is that of KAITO's own dataset image: a list of records.
func TestParquetWithConversationsIsRead(t *testing.T) {
	for role, dies := range map[string]bool{"user": false, "human": true} {
		var file bytes.Buffer
		if err := parquet.Write(&file, []conversation{{[]turn{{"Why?", role}, {"So.", "assistant"}}}, {[]turn{{"How?", "user"}}}}); err != nil {
			t.Fatal(err)
		}
		d := &dataset{path: "/mnt/data/train.parquet", kind: "parquet"}
		if died := d.read(file.Bytes()); died != nil {
			t.Fatal(died)
		}
		if len(d.rows) != 2 || !d.isConversational() {
			t.Errorf("%d rows with %v", len(d.rows), d.columns)
		}
		died := d.problem(&model{hasChatTemplate: true})
		if (died != nil) != dies {
			t.Errorf("%s: %v", role, died)
		}
		if died != nil && !strings.Contains(died.text, "Unknown role: human") {
			t.Error(died)
		}
	}
}
