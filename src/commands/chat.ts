import { defineCommand } from '../cli/command.ts';
import { count, decimal, duration, text, texts, toggle } from '../cli/options.ts';

export default defineCommand({
  summary: 'Talk to a served model through a port-forward: one question, a pipe, or a conversation',
  description: 'Without a prompt and with a terminal it is a conversation that remembers what was said; /help lists its commands, Ctrl-C stops an answer. In a pipe stdout is the answer and nothing else.',
  usesCluster: true,
  arguments: [
    { usage: '[name]', description: 'the served workspace; may be left out when there is only one' },
    { usage: '[prompt]', description: 'the question; what is piped in goes before it' },
  ],
  options: {
    adapter: text('--adapter <name>', 'ask this adapter', { defaultText: 'the base model' }),
    model: text('--model <id>', 'ask this model of the server', { defaultText: 'the base model' }),
    compare: toggle('--compare', 'ask the base model and the adapter'),
    system: text('--system <prompt>', 'system prompt'),
    temperature: decimal('--temperature <number>', '0 always takes the likeliest token'),
    topP: decimal('--top-p <number>', 'share of the probability to choose from'),
    maxTokens: count('--max-tokens <count>', 'longest answer'),
    seed: count('--seed <number>', 'the same seed gives the same answer', { minimum: 0 }),
    stop: texts('--stop <text>', 'text that ends the answer', { keepsCommas: true }),
    stats: toggle('--stats', 'time to first token and tokens a second, on stderr'),
    readyTimeout: duration('--ready-timeout <duration>', 'how long a server that is loading is waited for', 30 * 60_000),
    noMarkdown: toggle('--no-markdown', 'show the answer as it comes, also on a terminal'),
  },
  examples: ['chat "What is a tuning adapter?"', 'chat phi-3-mini-128k-instruct', 'cat report.txt | kaito-ts chat "Summarise this."', 'chat "Who are you?" --compare'],
  async *run({ arguments: words, options }, context) {
    const [{ isOneShot, runOnce, toResult }, { runRepl }, { startConversation }, { findServedWorkspace, findServerPod, whenSilent }, { openPortForward }, { readPromptArguments, readParameters }] = await Promise.all([
      import('../chat/once.ts'),
      import('../chat/repl.ts'),
      import('../chat/conversation.ts'),
      import('../flow/find-server.ts'),
      import('../cluster/port-forward.ts'),
      import('../chat/arguments.ts'),
    ]);
    const { signal, clock, terminal, globals } = context;
    const parameters = readParameters({ temperature: options.temperature, top_p: options.topP, max_tokens: options.maxTokens, seed: options.seed, stop: options.stop.length > 0 ? options.stop : undefined });
    const { name, prompt } = readPromptArguments(words);
    const cluster = await context.cluster();
    const served = await findServedWorkspace(cluster, name, signal);
    const forward = await openPortForward({ cluster, findPod: (searching) => findServerPod(cluster, served, searching), port: 5000, signal });
    try {
      const chat = {
        terminal,
        clock,
        signal,
        connection: { baseUrl: async () => `http://127.0.0.1:${forward.localPort}`, ...whenSilent(cluster, served) },
        conversation: startConversation({ parameters, ...(options.system === undefined ? {} : { system: options.system }) }),
        ...(options.model === undefined ? {} : { model: options.model }),
        ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
        isComparing: options.compare,
        readyTimeoutMs: options.readyTimeout,
        isStatsShown: options.stats,
        isReasoningShown: true,
        isMarkdownRendered: !options.noMarkdown,
      };
      if (!isOneShot(terminal, prompt)) {
        await runRepl(chat);
        return;
      }
      const output = globals.output === 'json' || globals.output === 'yaml' ? 'json' : globals.output === 'ndjson' ? 'ndjson' : 'text';
      const answers = await runOnce({ ...chat, prompt, output });
      if (output === 'json') yield { type: 'result', result: { workspace: served, ...toResult(answers) }, summary: [] };
    } finally {
      await forward.close();
    }
  },
});
