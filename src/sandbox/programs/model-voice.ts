import type { ChatMessage } from './model-text.ts';

/**
 * What the sandbox's model says. No model runs: answers come from a few facts and from the conversation itself, always
 * the same for the same messages, and say whose they are. It remembers nothing between requests, so that an answer about
 * an earlier turn proves that the client sent it.
 */
export const speak = (messages: readonly ChatMessage[], voice: { model: string; adapters: readonly string[] }): string => {
  const question = messages.findLast(({ role }) => role === 'user')?.content.trim() ?? '';
  const earlier = messages
    .filter(({ role }) => role === 'user')
    .slice(0, -1)
    .map(({ content }) => content.trim());
  const body = recall(question, earlier) ?? fact(question) ?? echo(question);
  const system = messages.find(({ role }) => role === 'system' || role === 'developer')?.content.trim();
  return [introduction(voice), body, system ? `(My instructions: "${shorten(system)}".)` : ''].filter(Boolean).join(' ');
};

const introduction = ({ model, adapters }: { model: string; adapters: readonly string[] }): string =>
  adapters.length === 0
    ? `[sandbox] No model is running here; this is a stand-in for ${model}.`
    : `[sandbox] No model is running here; this is a stand-in for ${model}, answering through the adapter ${adapters.join(' + ')}.`;

/** Answers about the conversation, from the messages alone. */
const recall = (question: string, earlier: readonly string[]): string | undefined => {
  if (/\bmy name\b/i.test(question) && /\?|^(?:what|tell|say|do you)/i.test(question)) {
    const name = earlier.join('\n').match(/\bmy name is (\p{L}[\p{L}'-]*)/iu)?.[1];
    return name ? `Your name is ${name}.` : 'You have not told me your name.';
  }
  const asksBack = /\b(?:what|which)\b.*\b(?:did|have|was|were)\b.*\b(?:i|my)\b.*\b(?:say|said|ask|asked|tell|told|write|question|message)\b|\b(?:before|earlier|previous|remember)\b/i;
  if (!asksBack.test(question)) return undefined;
  return earlier.length === 0
    ? 'This is the first thing you said to me.'
    : `Before this you said: ${earlier.map((text) => `"${shorten(text)}"`).join(', then ')}.`;
};

const facts: readonly (readonly [about: RegExp, text: string])[] = [
  [/\bq-?lora\b/i, 'QLoRA loads the base weights in 4 bits and trains a LoRA adapter on top, so a model that needs several GPUs in full precision can be tuned on one.'],
  [/\blora\b|low.rank/i, 'LoRA leaves the base weights as they are and trains two small matrices beside each chosen layer; what is saved is an adapter of some megabytes.'],
  [/\badapters?\b/i, 'An adapter is the small set of weights that tuning produced. vLLM serves it beside the base model under its own name; the transformers runtime merges it in.'],
  [/\bkaito\b/i, 'KAITO is the Kubernetes AI Toolchain Operator: it describes serving and tuning of open models as a Workspace, and adds the GPU nodes they need.'],
  [/\bvllm\b/i, 'vLLM is a serving engine: it keeps the KV cache in pages and batches requests as they come, and speaks the OpenAI API.'],
  [/\bkv.?cache\b/i, 'The KV cache holds the keys and values of every token of a conversation, so its size grows with the context length and the number of requests.'],
  [/\bgpus?\b|\bcost\b/i, 'GPU nodes cost money while they exist, used or not: scale the pool to zero or delete the workspace when you are done.'],
  [/\bepochs?\b|\bloss\b/i, 'The loss says how surprised the model is by the training data. It should fall; when it nears zero on a small dataset the model has learnt it by heart.'],
];

const fact = (question: string): string | undefined => facts.find(([about]) => about.test(question))?.[1];

const echo = (question: string): string =>
  question === '' ? 'You said nothing.' : `You said: "${shorten(question)}". Ask me about LoRA, QLoRA, adapters, KAITO, vLLM or the KV cache.`;

const shorten = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
};
