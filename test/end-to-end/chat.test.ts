import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publicImages } from '../cluster/images/catalogue.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { binary } from '../support/cli.ts';
import { createScreen, exitOf, hasPseudoTerminal, startOnPseudoTerminal } from '../terminal/pseudo-terminal.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

const numbers = (to: number): string => Array.from({ length: to }, (_, index) => index + 1).join(' ');

describe('chat with a model on a real node', () => {
  const [first, second] = [useGpuNode(), useGpuNode()];
  const rig = useRig();
  const model = 'phi-3-mini-128k-instruct';
  /** The stand-ins' behaviour goes by the names of pods, which are the same in other namespaces. */
  const server = (kind: string): string => `${kind}-${rig().namespace}`;
  const chat = (...args: string[]) => rig.run(['chat', server('v'), ...args]);

  const podOf = async (name: string): Promise<string | undefined> => {
    const { items } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace, labelSelector: `kaito.sh/workspace=${name}` });
    return items.find(({ metadata }) => metadata?.deletionTimestamp === undefined)?.metadata?.name;
  };
  const behave = async (behaviour: Parameters<typeof addBehaviour>[1]['behaviour']): Promise<() => Promise<void>> => {
    const undo = await addBehaviour(rig().registries, { podPrefix: server('v'), behaviour });
    onTestFinished(undo);
    return undo;
  };
  const speakSlowly = () => behave({ tokenMs: 100 });
  /** As a node that dies would: nobody tells the server to end. */
  const removePod = async (): Promise<void> => {
    const name = (await podOf(server('v'))) ?? '';
    await rig().api.core.deleteNamespacedPod({ namespace: rig().namespace, name, gracePeriodSeconds: 0 });
    await waitFor('the pod that takes its place', patienceMs, async () => ![undefined, name].includes(await podOf(server('v'))));
  };

  it('is there when both runtimes serve', async () => {
    const [vllm, transformers] = await Promise.all([
      rig.run(['serve', server('v'), '--preset', 'phi-3-mini', '--nodes', first().selector, '--adapter', `style=${publicImages.adapter}`]),
      rig.run(['serve', server('t'), '--preset', 'phi-3-mini', '--nodes', second().selector, '--runtime', 'transformers']),
    ]);
    expect(vllm.exitCode, vllm.stderr).toBe(0);
    expect(transformers.exitCode, transformers.stderr).toBe(0);
  });

  it('answers a question with the answer and nothing else', async () => {
    expect(await chat('Good morning.')).toEqual({ stdout: `${model} heard 1 messages, the last: Good morning.\n`, stderr: '', exitCode: 0 });
  });

  it('puts what is piped in before the question', async () => {
    const { stdout, exitCode } = await rig.run(['chat', server('v'), 'Repeat.', '-o', 'json'], { input: 'First line.\nSecond line.\n' });
    expect(JSON.parse(stdout)).toMatchObject({ prompt: 'First line.\nSecond line.\n\nRepeat.', finishReason: 'stop' });
    expect(exitCode).toBe(0);
  });

  it('asks the base model and the adapter, and shows which said what', async () => {
    const { stdout, exitCode } = await chat('Who are you?', '--compare');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${model} heard 1 messages, the last: Who are you?`);
    expect(stdout).toContain('style heard 1 messages, the last: Who are you?');
  });

  it('speaks the dialect of transformers', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['chat', server('t'), 'Count to 200']);
    expect(stdout).toBe(`${numbers(200)}\n`);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('shows an answer while it comes', async () => {
    const goOn = await behave({ at: 'token:20', do: 'hang' });
    const running = rig.start(['chat', server('v'), 'Count to 80']);
    await running.until('stdout', /\b5 6\b/);
    await goOn();
    expect(await running.ended).toMatchObject({ stdout: `${numbers(80)}\n`, exitCode: 0 });
  });

  it('says that an answer broke off with its pod, garbles nothing, and finds the pod that takes its place', async () => {
    await speakSlowly();
    const running = rig.start(['chat', server('v'), 'Count to 900']);
    await running.until('stdout', /\b9 10\b/);
    await removePod();
    const { stdout, stderr, exitCode } = await running.ended;
    expect(numbers(900).startsWith(stdout.trimEnd())).toBe(true);
    expect(stdout.length).toBeLessThan(numbers(900).length);
    expect(stderr).toMatch(/^error: The (?:connection was lost in the middle of the answer|answer was cut off)\.$/m);
    expect(exitCode).toBe(1);

    const next = await chat('Still there?');
    expect(next.stdout).toBe(`${model} heard 1 messages, the last: Still there?\n`);
    expect(next.exitCode).toBe(0);
  });

  it.skipIf(!hasPseudoTerminal)('goes on with a conversation when the pod was replaced in the middle of an answer', async () => {
    await speakSlowly();
    const terminal = startOnPseudoTerminal([process.execPath, binary, 'chat', server('v')], { HOME: '/nonexistent', ...rig().environment });
    const screen = createScreen(terminal);
    await screen.until('>>> ');
    terminal.stdin.write('Who wrote Hamlet?\r');
    await screen.until('William Shakespeare.');
    await screen.until('>>> ');
    terminal.stdin.write('Count to 900\r');
    await screen.until(' 9 10 ');
    await removePod();
    expect(await screen.until('>>> ')).toMatch(/lost in the middle of the answer|answer was cut off/);
    terminal.stdin.write('And now?\r');
    expect(await screen.until('the last: And now?')).toMatch(/heard [35] messages/);
    await screen.until('>>> ');
    terminal.stdin.write('\u0004');
    expect(await exitOf(terminal)).toEqual([0, null]);
  });

  it('gives other programs an endpoint that outlives the pod', async () => {
    const running = rig.start(['endpoint', server('v')]);
    const [baseURL] = /http:\S+/.exec(await running.until('stdout', /\/v1\n/)) ?? [];
    const client = new OpenAI({ ...(baseURL && { baseURL }), apiKey: 'none' });
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual([model, 'style']);
    const ask = async (): Promise<string> => {
      const stream = await client.chat.completions.create({ model: 'style', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    };
    expect(await ask()).toBe('style heard 1 messages, the last: Hello');
    await removePod();
    // What has been removed answers for a moment more.
    let isReplaced = false;
    const replaced = running.until('stderr', /The pod was replaced/).then(() => (isReplaced = true));
    const isNewServing = async (): Promise<boolean> => {
      const isNew = isReplaced;
      return (await fetch(String(baseURL).replace('/v1', '/health')).then(({ ok }) => ok, () => false)) && isNew;
    };
    await Promise.all([replaced, waitFor('the new pod to serve', patienceMs, isNewServing)]);
    expect(await ask()).toBe('style heard 1 messages, the last: Hello');
    running.signal('SIGINT');
    expect(await running.ended).toMatchObject({ exitCode: 0 });
  });
});
