import { createServer } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli } from '../support/cli.ts';
import { startCli } from '../support/running-cli.ts';
import { useSandbox } from '../support/sandbox.ts';

const server = 'phi-3-mini-128k-instruct';

describe('an endpoint of a served model', () => {
  const sandbox = useSandbox();
  beforeAll(async () => {
    expect((await sandbox.run(['serve', '--preset', 'phi-3-mini'])).exitCode).toBe(0);
  });

  it('gives out its address on stdout, its models and what to paste on stderr, and ends well on Ctrl-C', async () => {
    const running = startCli(['endpoint'], sandbox.environment());
    const narration = await running.until('stderr', /Ctrl-C ends it/);
    const url = (await running.until('stdout', /\n/)).trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(narration).toContain(`export OPENAI_BASE_URL=${url} OPENAI_API_KEY=none\n`);
    const list = await fetch(`${url}/models`);
    const { data }: { data: { id: string }[] } = JSON.parse(await list.text());
    expect(narration).toContain(`${server} serves: ${data[0]?.id}\n`);
    const answer = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: data[0]?.id, messages: [{ role: 'user', content: 'What is a tuning adapter?' }] }),
    });
    expect(JSON.parse(await answer.text())).toMatchObject({ choices: [{ message: { content: expect.stringMatching(/adapter/i) } }] });
    running.signal('SIGINT');
    expect(await running.ended).toMatchObject({ stdout: `${url}\n`, exitCode: 0 });
  });

  it('prints one JSON object at once, and stays', async () => {
    const running = startCli(['endpoint', server, '-o', 'json', '-q'], sandbox.environment());
    const described = JSON.parse(await running.until('stdout', /^\}\n/m));
    expect(described).toMatchObject({ workspace: server, namespace: 'default', models: [{ parent: null }], environment: { OPENAI_API_KEY: 'none' } });
    expect(described.url).toBe(`http://127.0.0.1:${described.port}/v1`);
    expect((await fetch(`${described.url}/models`)).status).toBe(200);
    running.signal('SIGINT');
    const { stdout, stderr, exitCode } = await running.ended;
    expect(JSON.parse(stdout)).toEqual(described);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  it('says which pod it is now when the pod was replaced, and goes on answering', async () => {
    const running = startCli(['endpoint', server], sandbox.environment());
    const url = (await running.until('stdout', /\n/)).trim();
    await running.until('stderr', /Ctrl-C ends it/);
    const cluster = await sandbox.cluster();
    for (const { metadata } of await cluster.list('Pod', { labelSelector: `kaito.sh/workspace=${server}` })) await cluster.delete('Pod', metadata.name);
    await expect.poll(async () => await fetch(`${url}/models`).then(({ status }) => status, () => 0), { timeout: 120_000 }).toBe(200);
    expect(await running.until('stderr', /The pod was replaced/)).toMatch(/connections go to phi-3-mini-128k-instruct-\S+ now\.$/m);
    running.signal('SIGINT');
    expect((await running.ended).exitCode).toBe(0);
  });

  it('ends well on SIGTERM too, as scripts end what they started', async () => {
    const running = startCli(['endpoint', '-q'], sandbox.environment());
    await running.until('stdout', /\n/);
    running.signal('SIGTERM');
    expect(await running.ended).toMatchObject({ stderr: '', exitCode: 0 });
  });

  it('takes the port that was asked for, and says so when it is taken', async () => {
    const other = createServer();
    onTestFinished(() => void other.close());
    const port = await new Promise<number>((resolve) => other.listen(0, '127.0.0.1', () => resolve(Number(Object(other.address()).port))));
    const { stdout, stderr, exitCode } = await sandbox.run(['endpoint', '--port', String(port)]);
    expect(stderr).toMatch(new RegExp(`local port ${port} is in use`));
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exitCodes.usage });
  });
});

describe('an endpoint of a server that still loads', () => {
  const sandbox = useSandbox([], 100);

  it('waits, telling why, and was interrupted when it is ended before it could serve', async () => {
    await sandbox.run(['serve', '--preset', 'phi-3-mini', '--no-wait']);
    await expect.poll(async () => (await (await sandbox.cluster()).list('Pod')).some(({ status }) => status?.phase === 'Running'), { timeout: 120_000 }).toBe(true);
    const running = startCli(['endpoint'], sandbox.environment());
    await running.until('stderr', /the model server: (the weights are loading|the model server is starting)/);
    running.signal('SIGINT');
    expect(await running.ended).toMatchObject({ stdout: '', exitCode: exitCodes.interrupted });
  });
});

describe('an endpoint of nothing', () => {
  const sandbox = useSandbox();

  it('says that no model is served', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['endpoint']);
    expect(stderr).toMatch(/^error: No model is served in namespace default/m);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exitCodes.notFound });
  });

  it('refuses a port that does not exist', async () => {
    const { stderr, exitCode } = await runCli(['endpoint', '--port', '70000']);
    expect(stderr).toMatch(/--port is at most 65535/);
    expect(exitCode).toBe(exitCodes.usage);
  });
});
