package trainer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"

	"kaito-base/python"
)

type row map[string]any

type dataset struct {
	path, kind string
	rows       []row
	columns    []string
}

// In this order a name is searched for them, anywhere in it.
var fileTypes = []string{"csv", "json", "parquet", "arrow", "webdataset"}

func typeOf(name string) string {
	for _, each := range fileTypes {
		if strings.Contains(name, each) {
			return each
		}
	}
	return ""
}

func loadDataset(chosen options) (*dataset, *death) {
	d := &dataset{}
	if given, written := chosen["dataset_path"].(string); written {
		d.path = filepath.Join("/mnt", given)
	} else {
		folder := os.Getenv("DATASET_FOLDER_PATH")
		if folder == "" {
			folder = "/mnt/data"
		}
		d.path = findFile(folder)
		if d.path == "" {
			return nil, dies("no-dataset")
		}
	}
	d.kind = chosen.text("dataset_extension", typeOf(filepath.Base(d.path)))
	content, err := os.ReadFile(d.path)
	if err != nil {
		died := dies("no-such-file", "path", d.path, "type", d.kind)
		died.said = "Error loading dataset: Unable to find '" + d.path + "'"
		return nil, died
	}
	return d, d.read(content)
}

// findFile goes through folders as os.walk does: the files of one in the order of the directory, then its folders.
func findFile(folder string) string {
	opened, err := os.Open(folder)
	if err != nil {
		return ""
	}
	defer opened.Close()
	entries, _ := opened.ReadDir(-1)
	for _, entry := range entries {
		if !isFolder(folder, entry) && typeOf(entry.Name()) != "" {
			return filepath.Join(folder, entry.Name())
		}
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if found := findFile(filepath.Join(folder, entry.Name())); found != "" {
				return found
			}
		}
	}
	return ""
}

func isFolder(parent string, entry os.DirEntry) bool {
	info, err := os.Stat(filepath.Join(parent, entry.Name()))
	return err == nil && info.IsDir()
}

func (d *dataset) read(content []byte) *death {
	var err error
	switch d.kind {
	case "json":
		if len(bytes.TrimSpace(content)) == 0 {
			died := dies("empty-file", "path", d.path, "type", d.kind)
			died.said = "Error loading dataset: "
			return died
		}
		err = d.readJSON(content)
		if err != nil {
			line := fmt.Sprintf("Failed to load JSON from file '%s' with error <class 'pyarrow.lib.ArrowInvalid'>: JSON parse error: Invalid value. in row %d\n", d.path, len(d.rows))
			died := dies("bad-json", "path", d.path)
			died.text = "\rGenerating train split: 0 examples [00:00, ? examples/s]" + line + "ERROR " + timestamp() + " json.py:248] " + line + died.text
			died.said = "Error loading dataset: An error occurred while generating the dataset"
			return died
		}
	case "csv":
		err = d.readCSV(content)
	case "parquet":
		err = d.readParquet(content)
		if err != nil {
			const reason = "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file."
			died := dies("bad-parquet", "path", d.path)
			died.said = "Error loading dataset: " + reason
			line := "Failed to read schema from '" + d.path + "' with error ArrowInvalid: " + reason + "\n"
			died.text = line + "ERROR " + timestamp() + " parquet.py:122] " + line + died.text
			return died
		}
	default:
		err = fmt.Errorf("no reader for %s", d.kind)
	}
	if err != nil {
		died := dies("empty-file", "path", d.path, "type", d.kind)
		died.said = "Error loading dataset: " + err.Error()
		return died
	}
	d.nameColumns()
	return nil
}

func (d *dataset) readJSON(content []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		return json.Unmarshal(content, &d.rows)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	for {
		var each row
		if err := decoder.Decode(&each); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		d.rows = append(d.rows, each)
	}
}

func (d *dataset) readCSV(content []byte) error {
	reader := csv.NewReader(bytes.NewReader(content))
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		// pandas minds no quote in the middle of a cell.
		records = nil
		for line := range strings.SplitSeq(strings.TrimSpace(string(content)), "\n") {
			records = append(records, strings.Split(line, ","))
		}
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return fmt.Errorf("No columns to parse from file")
	}
	for _, record := range records[1:] {
		each := row{}
		for i, name := range records[0] {
			if i < len(record) {
				each[name] = record[i]
			}
		}
		d.rows = append(d.rows, each)
	}
	d.columns = records[0]
	return nil
}

func (d *dataset) readParquet(content []byte) error {
	rows, err := parquet.Read[any](bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	for _, each := range rows {
		// By way of JSON, so that lists and records look as they do in the other formats.
		text, err := json.Marshal(each)
		if err != nil {
			return err
		}
		var plain map[string]any
		if err := json.Unmarshal(text, &plain); err != nil {
			return err
		}
		for name, value := range plain {
			plain[name] = unwrap(value)
		}
		d.rows = append(d.rows, plain)
	}
	return nil
}

// unwrap takes away the two levels that Parquet stores a list with.
func unwrap(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = unwrap(v[i])
		}
		return v
	case map[string]any:
		list, isList := v["list"].([]any)
		if isList && len(v) == 1 {
			for i, item := range list {
				if wrapper, isMap := item.(map[string]any); isMap && len(wrapper) == 1 {
					list[i] = unwrap(wrapper["element"])
				}
			}
			return list
		}
		for name := range v {
			v[name] = unwrap(v[name])
		}
		return v
	}
	return value
}

func (d *dataset) nameColumns() {
	known := map[string]bool{}
	for _, name := range d.columns {
		known[name] = true
	}
	for _, each := range d.rows {
		for name := range each {
			if !known[name] {
				known[name] = true
				d.columns = append(d.columns, name)
			}
		}
	}
}

func (d *dataset) has(column string) bool {
	for _, name := range d.columns {
		if name == column {
			return true
		}
	}
	return false
}

// isConversational is whether TRL takes a column for turns of a conversation: then no end of a text is added.
func (d *dataset) isConversational() bool {
	if d.has("messages") {
		return true
	}
	if len(d.rows) == 0 {
		return false
	}
	turns, isList := d.rows[0]["conversations"].([]any)
	if isList && len(turns) > 0 {
		first, isRecord := turns[0].(map[string]any)
		return isRecord && first["from"] != nil && first["value"] != nil
	}
	_, isList = d.rows[0]["prompt"].([]any)
	return isList && d.has("completion")
}

// problem is what ends TRL's work on the rows, and how many of them it had done.
func (d *dataset) problem(m *model) *death {
	if !d.isConversational() {
		if !d.has("prompt") || !d.has("completion") {
			return dies("key-error-none")
		}
		return nil
	}
	if !m.hasChatTemplate {
		return dies("no-chat-template")
	}
	for _, each := range d.rows {
		for _, value := range each {
			turns, _ := value.([]any)
			for _, turn := range turns {
				record, _ := turn.(map[string]any)
				role, given := record["role"].(string)
				if !given {
					role, given = record["from"].(string)
				}
				if given && !m.unknownRoles && role != "system" && role != "user" && role != "assistant" {
					return dies("unknown-role", "detail", role)
				}
			}
		}
	}
	return nil
}

// gap is the first row without one of the columns that a text needs; -1 when all have them.
func (d *dataset) gap() int {
	for i, each := range d.rows {
		if !d.isConversational() && d.has("completion") && each["completion"] == nil {
			return i
		}
	}
	return -1
}

// tokens guesses a row's length; no tokenizer is here.
func (d *dataset) tokens(index int) int {
	text, _ := json.Marshal(d.rows[index%len(d.rows)])
	return 1 + len(text)/4
}

// isUneven is whether the first rows have different lengths, which a batch of several does not survive.
func (d *dataset) isUneven(count int) bool {
	for i := 1; i < min(count, len(d.rows)); i++ {
		if d.tokens(i) != d.tokens(0) {
			return true
		}
	}
	return false
}

// split gives the numbers of rows to train and to evaluate with.
func (d *dataset) split(chosen options) (train, evaluate int, died *death) {
	test := 1 - chosen.number("train_test_split", 0.8)
	if test > 0 {
		evaluate = int(test * float64(len(d.rows)))
		if float64(evaluate) < test*float64(len(d.rows)) {
			evaluate++
		}
	}
	train = len(d.rows) - evaluate
	if train == 0 {
		return 0, 0, dies("empty-split", "rows", fmt.Sprint(len(d.rows)), "detail", python.Float(test))
	}
	return train, evaluate, nil
}
