import type { ChatEvent } from '../chat/events.ts';
import { defineCommand } from '../cli/command.ts';
import { count, duration } from '../cli/options.ts';
import { FailedError, UsageError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';

export default defineCommand({
  summary: 'Hold an OpenAI-compatible endpoint of a served model open on this machine',
  description:
    'For editors, agents and scripts that speak the OpenAI API: stdout is the base address, and Ctrl-C ends it. Connections go through the API server to the pod, so nothing is exposed; a pod that is replaced is found again.',
  usesCluster: true,
  arguments: [{ usage: '[name]', description: 'the served workspace; may be left out when there is only one' }],
  options: {
    port: count('--port <number>', 'port on 127.0.0.1', { defaultText: 'any that is free' }),
    readyTimeout: duration('--ready-timeout <duration>', 'how long a server that is loading is waited for', 30 * 60_000),
  },
  examples: ['endpoint', 'endpoint phi-3-mini-128k-instruct --port 8080', 'endpoint -o json'],
  async *run({ arguments: [name], options: { port, readyTimeout } }, context) {
    if (port !== undefined && port > highestPort) throw new UsageError(`--port is at most ${highestPort}, and was given ${port}.`, { hints: ['Leave it out for any port that is free.'] });
    const [{ waitUntilReady }, { findServedWorkspace, findServerPod, whenSilent }, { openPortForward }, { createChannel }] = await Promise.all([
      import('../chat/health.ts'),
      import('../flow/find-server.ts'),
      import('../cluster/port-forward.ts'),
      import('../flow/channel.ts'),
    ]);
    const { signal, clock } = context;
    const cluster = await context.cluster();
    const served = await findServedWorkspace(cluster, name, signal, 'endpoint');
    const happenings = createChannel<Event>();
    let isOpen = false;
    let toldTrouble = '';
    const tell = (event: Event): void => {
      // Until the server is ready its port is closed, and each look at it fails.
      if (isOpen) happenings.push(event);
    };
    const forward = await openPortForward({
      cluster,
      findPod: (searching) => findServerPod(cluster, served, searching),
      port: 5000,
      ...(port === undefined ? {} : { localPort: port }),
      signal,
      onReconnect(pod) {
        toldTrouble = '';
        tell({ type: 'note', message: `The pod was replaced; connections go to ${pod.name} now.` });
      },
      onError(error) {
        const trouble = error instanceof Error ? error.message : String(error);
        // A program that tries again and again is not to fill the screen.
        if (trouble !== toldTrouble) tell({ type: 'warning', message: `A connection broke off: ${trouble}`, hints: [`kaito-ts status ${served}`] });
        toldTrouble = trouble;
      },
    });
    const close = (): void => happenings.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      const root = `http://127.0.0.1:${forward.localPort}`;
      const connection = { baseUrl: async () => root, ...whenSilent(cluster, served) };
      for await (const event of waitUntilReady({ connection, clock, signal, timeoutMs: readyTimeout })) yield* narrate(event);
      const models = await readModels(root, served, signal);
      isOpen = true;
      const environment = { OPENAI_BASE_URL: `${root}/v1`, OPENAI_API_KEY: 'none' };
      yield {
        type: 'result',
        result: { workspace: served, namespace: cluster.target.namespace, url: `${root}/v1`, port: forward.localPort, models, environment },
        summary: [`${root}/v1`],
        staysOpen: true,
      };
      yield { type: 'note', message: `${served} serves: ${models.map(({ id, parent }) => (parent === null ? id : `${id} (adapter)`)).join(', ')}` };
      yield { type: 'note', message: `export ${Object.entries(environment).map(([variable, value]) => `${variable}=${value}`).join(' ')}` };
      yield { type: 'note', message: 'Ctrl-C ends it.' };
      yield* happenings;
    } finally {
      signal.removeEventListener('abort', close);
      await forward.close();
    }
  },
});

const highestPort = 65_535;

const readModels = async (root: string, served: string, signal: AbortSignal): Promise<{ id: string; parent: string | null; contextLengthTokens: number | null }[]> => {
  const { listModels } = await import('../chat/models.ts');
  try {
    return (await listModels(root, { signal })).map(({ id, parent, contextLengthTokens }) => ({ id, parent, contextLengthTokens }));
  } catch (error) {
    if (!(error instanceof FailedError) || error.reason !== 'NoSuchPath') throw error;
    throw new FailedError(`${served} runs an early image, which does not speak the OpenAI API.`, {
      reason: 'NoOpenAiApi',
      fact: 'GET /v1/models answers 404.',
      hints: [`kaito-ts chat ${served}   # speaks its own`],
      cause: error,
    });
  }
};

function* narrate(event: ChatEvent): Generator<Event, void> {
  if (event.type !== 'waiting') return;
  const { reason, elapsedMs, timeoutMs, weights } = event;
  yield { type: 'waiting', what: 'the model server', reason, elapsedMs, timeoutMs };
  if (weights && Object.keys(weights).length > 0) yield { type: 'progress', progress: { phase: 'weights', ...weights } };
}
