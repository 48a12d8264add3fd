import { describe, expect, it } from 'vitest';
import { parseWeightsProgress, waitUntilReady } from '../../src/chat/health.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { InterruptedError } from '../../src/domain/errors.ts';
import { createFakeClock, inTurn, json, startModelServer, text, type ModelServer } from './support.ts';

const gauges = (speed: number, remaining: number): string =>
  `# HELP kaito_model_download_speed_bytes_per_second Current model download speed in bytes per second
# TYPE kaito_model_download_speed_bytes_per_second gauge
kaito_model_download_speed_bytes_per_second ${speed}
# TYPE kaito_model_download_remaining_seconds gauge
kaito_model_download_remaining_seconds ${remaining}
`;

const waitFor = (server: Pick<ModelServer, 'connection'>, given: { clock?: Clock; signal?: AbortSignal; timeoutMs?: number } = {}) =>
  Array.fromAsync(
    waitUntilReady({ connection: server.connection, clock: given.clock ?? createFakeClock(), signal: given.signal ?? new AbortController().signal, timeoutMs: given.timeoutMs ?? 60_000, pollIntervalMs: 1000 }),
  );

describe('waitUntilReady', () => {
  it('says nothing when the server is ready', async () => {
    expect(await waitFor(await startModelServer({ '/health': text(200, '') }))).toEqual([]);
  });

  it('tells how the weights are loading while vLLM answers 404 with an empty body', async () => {
    const server = await startModelServer({ '/health': inTurn(text(404, ''), text(200, '')), '/metrics': text(200, gauges(3.2e8, 41)) });
    expect(await waitFor(server)).toEqual([
      { type: 'waiting', reason: 'the weights are loading', elapsedMs: 0, timeoutMs: 60_000, weights: { bytesPerSecond: 3.2e8, remainingSeconds: 41 } },
    ]);
  });

  it('waits on a refused connection, and asks anew where the server is', async () => {
    const gone = await startModelServer({});
    await gone.close();
    const server = await startModelServer({ '/health': json(200, { status: 'Healthy' }) });
    const addresses = [gone.baseUrl, gone.baseUrl, server.baseUrl];
    const events = await waitFor({ connection: { baseUrl: async () => addresses.shift() ?? server.baseUrl } });
    expect(events).toEqual([expect.objectContaining({ type: 'waiting', reason: expect.stringMatching(/^the model server is starting \(.*ECONNREFUSED/) })]);
  });

  it('does not wait on a port that HTTP clients never open', async () => {
    await expect(waitFor({ connection: { baseUrl: async () => 'http://127.0.0.1:6000' } })).rejects.toMatchObject({ name: 'UsageError', reason: 'BlockedPort', message: 'HTTP clients refuse to open port 6000.' });
  });

  it('tells the same reason again only as a heartbeat', async () => {
    const replies = Array.from({ length: 25 }, () => text(404, ''));
    const server = await startModelServer({ '/health': inTurn(...replies, text(200, '')), '/metrics': text(200, gauges(0, -1)) });
    const events = await waitFor(server);
    expect(events.map((event) => (event.type === 'waiting' ? event.elapsedMs : event))).toEqual([0, 10_000, 20_000]);
    expect(events[0]).toMatchObject({ weights: {} });
  });

  it('gives up with the last reason when the time is over', async () => {
    const server = await startModelServer({ '/health': json(500, { detail: 'Model not initialized' }) });
    await expect(waitFor(server, { timeoutMs: 5000 })).rejects.toMatchObject({ exitCode: 7, fact: 'the model server is not healthy (HTTP 500 Model not initialized)' });
  });

  it('takes /healthz of an early image for ready', async () => {
    expect(await waitFor(await startModelServer({ '/healthz': json(200, { status: 'Healthy' }) }))).toEqual([]);
  });

  it('says when what answers is no model server', async () => {
    await expect(waitFor(await startModelServer({}), { timeoutMs: 2000 })).rejects.toMatchObject({ fact: 'the server answers, but not as a model server (HTTP 404 Not Found)' });
  });

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController();
    const server = await startModelServer({ '/health': text(404, ''), '/metrics': () => controller.abort(new InterruptedError('SIGINT')) });
    await expect(waitFor(server, { signal: controller.signal })).rejects.toMatchObject({ exitCode: 130 });
  });
});

describe('parseWeightsProgress', () => {
  it.each([
    [gauges(1.5e7, 12), { bytesPerSecond: 1.5e7, remainingSeconds: 12 }],
    [gauges(0, -1), {}],
    [gauges(0, 0), { remainingSeconds: 0 }],
    ['', {}],
    ['kaito_model_download_remaining_seconds{model="x"} 7.5\n', { remainingSeconds: 7.5 }],
  ])('reads %j', (metrics, expected) => {
    expect(parseWeightsProgress(metrics)).toEqual(expected);
  });
});
