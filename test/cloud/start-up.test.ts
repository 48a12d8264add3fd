import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cluster } from './support.ts';

describe('start-up', () => {
  it('loads nothing of the SDK with the interface or with the implementation', async () => {
    expect(await loaded(`await import('./src/cloud/cloud.ts'); await import('./src/cloud/azure.ts')`)).toEqual([]);
  });

  it('loads the compute SDK only when quota or sizes are asked for', async () => {
    expect(await loaded(script('listAgentPools(cluster)'))).not.toContain('@azure/arm-compute');
    expect(await loaded(script('listUsages(cluster)'))).toContain('@azure/arm-compute');
  });
});

/** Which packages of the SDK a program has loaded when it ends. */
const loaded = async (script: string): Promise<string[]> => {
  const hook = `import { registerHooks } from 'node:module';
    globalThis.seen = new Set();
    registerHooks({ load(url, context, next) { const name = /node_modules\\/(@azure\\/[^/]+)/.exec(url)?.[1]; if (name) seen.add(name); return next(url, context); } });`;
  const program = `${script}; process.stdout.write(JSON.stringify([...seen].sort()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, '--input-type=module', '-e', program], {
    cwd: new URL('../../', import.meta.url),
    timeout: 120_000,
  });
  return JSON.parse(stdout);
};

const script = (call: string): string => `
  const { createAzureCloud } = await import('./src/cloud/azure.ts');
  const { parseAzureSettings } = await import('./src/cloud/settings.ts');
  const settings = parseAzureSettings({ AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://127.0.0.1:1', AZURE_AUTHORITY_HOST: 'https://127.0.0.1:1', AZURE_TENANT_ID: 't', AZURE_CLIENT_SECRET: 's', AZURE_CLIENT_ID: 'c' });
  Object.assign(process.env, { AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
  const cloud = createAzureCloud(settings, { clock: { now: () => 0, sleep: async () => {} } });
  const cluster = ${JSON.stringify(cluster)};
  await cloud.${call}.catch(() => {})`;
