package trainer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kaito-base/python"
)

// model is what the configuration beside the weights says of them.
type model struct {
	path            string
	Type            string   `json:"model_type"`
	Architectures   []string `json:"architectures"`
	Hidden          int      `json:"hidden_size"`
	Layers          int      `json:"num_hidden_layers"`
	Heads           int      `json:"num_attention_heads"`
	KeyValueHeads   int      `json:"num_key_value_heads"`
	Intermediate    int      `json:"intermediate_size"`
	Vocabulary      int      `json:"vocab_size"`
	TiesEmbeddings  bool     `json:"tie_word_embeddings"`
	hasChatTemplate bool
	unknownRoles    bool
}

// linear is a layer that an adapter can stand beside.
type linear struct {
	path            string
	inputs, outputs int
}

func openModel(chosen options) (*model, *death) {
	path := chosen.text("pretrained_model_name_or_path", "/workspace/tfs/weights")
	content, err := os.ReadFile(filepath.Join(path, "config.json"))
	if err != nil {
		if strings.Count(path, "/") > 1 || strings.HasPrefix(path, "/") {
			return nil, dies("no-such-model", "path", path)
		}
		return nil, dies("offline")
	}
	m := &model{path: path}
	if err := json.Unmarshal(content, m); err != nil {
		return nil, dies("no-such-model", "path", path)
	}
	if m.KeyValueHeads == 0 {
		m.KeyValueHeads = m.Heads
	}
	template, err := os.ReadFile(filepath.Join(path, "chat_template.jinja"))
	if err != nil {
		template = templateIn(filepath.Join(path, "tokenizer_config.json"))
	}
	m.useTemplate(string(template))
	return m, nil
}

// useTemplate looks for the two things that decide a tuning: whether there is one, and whether it minds unknown roles.
func (m *model) useTemplate(template string) {
	m.hasChatTemplate = template != ""
	m.unknownRoles = !strings.Contains(template, "raise_exception")
}

func templateIn(file string) []byte {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var tokenizer struct {
		ChatTemplate string `json:"chat_template"`
	}
	_ = json.Unmarshal(content, &tokenizer)
	return []byte(tokenizer.ChatTemplate)
}

func (m *model) isFused() bool { return m.Type == "phi3" }

func (m *model) linears() []linear {
	key := m.Hidden / m.Heads * m.KeyValueHeads
	out := []linear{{"self_attn.q_proj", m.Hidden, m.Hidden}, {"self_attn.k_proj", m.Hidden, key}, {"self_attn.v_proj", m.Hidden, key}, {"self_attn.o_proj", m.Hidden, m.Hidden}, {"mlp.gate_proj", m.Hidden, m.Intermediate}, {"mlp.up_proj", m.Hidden, m.Intermediate}, {"mlp.down_proj", m.Intermediate, m.Hidden}}
	if m.isFused() {
		out = []linear{{"self_attn.o_proj", m.Hidden, m.Hidden}, {"self_attn.qkv_proj", m.Hidden, m.Hidden + 2*key}, {"mlp.gate_up_proj", m.Hidden, 2 * m.Intermediate}, {"mlp.down_proj", m.Intermediate, m.Hidden}}
	}
	return out
}

// tensors is the total of the bar that shows the loading: weights and, in qwen2, the biases of three of them.
func (m *model) tensors() int {
	perLayer := len(m.linears()) + 2
	if m.Type == "qwen2" {
		perLayer += 3
	}
	total := m.Layers*perLayer + 2
	if !m.TiesEmbeddings {
		total++
	}
	return total
}

func (m *model) parameters() int {
	perLayer := 2 * m.Hidden
	for _, each := range m.linears() {
		perLayer += each.inputs * each.outputs
	}
	if m.Type == "qwen2" {
		perLayer += m.Hidden + 2*(m.Hidden/m.Heads*m.KeyValueHeads)
	}
	embeddings := m.Vocabulary * m.Hidden
	if !m.TiesEmbeddings {
		embeddings *= 2
	}
	return m.Layers*perLayer + embeddings + m.Hidden
}

func (m *model) className() string {
	if len(m.Architectures) > 0 {
		return m.Architectures[0]
	}
	return "LlamaForCausalLM"
}

// What PEFT 0.11 takes where nothing is named; of these families it knows only the older.
var defaultTargets = map[string][]string{
	"llama": {"q_proj", "v_proj"}, "mistral": {"q_proj", "v_proj"}, "mixtral": {"q_proj", "v_proj"}, "gemma": {"q_proj", "v_proj"}, "gpt2": {"c_attn"},
}

// adapter is the LoRA that is put onto the model.
type adapter struct {
	model   *model
	lora    options
	rank    int
	targets []string
	layers  []linear
}

func addAdapter(m *model, lora options) (*adapter, *death) {
	a := &adapter{model: m, lora: lora, rank: lora.whole("r", 8)}
	switch given, written := lora["target_modules"].([]string); {
	case written:
		a.targets = given
	case os.Getenv("DEFAULT_TARGET_MODULES") != "":
		a.targets = strings.Split(os.Getenv("DEFAULT_TARGET_MODULES"), ",")
	default:
		a.targets = defaultTargets[m.Type]
	}
	if len(a.targets) == 0 {
		return nil, dies("no-targets")
	}
	for _, each := range m.linears() {
		for _, target := range a.targets {
			if each.path == target || strings.HasSuffix(each.path, "."+target) {
				a.layers = append(a.layers, each)
				break
			}
		}
	}
	if len(a.layers) == 0 {
		quoted := make([]string, len(a.targets))
		for i, target := range a.targets {
			quoted[i] = python.Repr(target)
		}
		return nil, dies("wrong-targets", "detail", "{"+strings.Join(quoted, ", ")+"}")
	}
	return a, nil
}

// summary is the line that PEFT prints of how much is trained.
func (a *adapter) summary() string {
	trained := 0
	for _, each := range a.layers {
		trained += a.rank * (each.inputs + each.outputs)
		if a.lora.truth("use_dora", false) {
			trained += each.outputs
		}
	}
	trained *= a.model.Layers
	saved, _ := a.lora["modules_to_save"].([]string)
	for _, name := range saved {
		if name == "lm_head" || name == "embed_tokens" {
			trained += a.model.Vocabulary * a.model.Hidden
		}
	}
	all := trained + a.model.parameters()
	return fmt.Sprintf("trainable params: %s || all params: %s || trainable%%: %.4f", python.Thousands(int64(trained)), python.Thousands(int64(all)), 100*float64(trained)/float64(all))
}
