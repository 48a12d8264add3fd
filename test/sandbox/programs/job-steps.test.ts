import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';
import { createContainerFetch } from '../../../src/sandbox/network.ts';
import { unpackFiles } from '../../../src/sandbox/programs/archive.ts';
import { renderDataset } from '../../../src/sandbox/programs/dataset-file.ts';
import { programs } from '../../../src/sandbox/programs/index.ts';
import { parseReference } from '../../../src/sandbox/programs/oci-reference.ts';
import type { ContainerFiles } from '../../../src/sandbox/programs/program.ts';
import { readParquetFooter } from '../../../src/sandbox/programs/trainer-parquet.ts';
import { type SandboxRegistry, startRegistry } from '../../../src/sandbox/registry/registry.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';
import { nodeNamed, podNamed, programNamed, startCluster, type TestCluster } from '../support/cluster.ts';

const authority = createCertificateAuthority();
const registries: SandboxRegistry[] = [];
let registry: SandboxRegistry;
let cluster: TestCluster;

const openRegistry = async (faults: readonly Fault[] = [], anonymousPull = true): Promise<SandboxRegistry> => {
  const opened = await startRegistry({ tls: authority.issue(), users: [{ name: 'alice', password: 'secret' }], anonymousPull, clock: createSandboxClock(1e6), faults: createFaults(faults) });
  registries.push(opened);
  return opened;
};

beforeAll(async () => {
  registry = await openRegistry();
});
afterEach(() => cluster?.stop());
afterAll(() => Promise.all(registries.map((opened) => opened.close())));

const oras = 'ghcr.io/oras-project/oras:v1.2.2';
const skopeo = 'mcr.microsoft.com/aks/skopeo:1.14.4-6';

let seen: ContainerFiles | undefined;
const look = programNamed('look', async ({ files }) => {
  seen = files;
  return 0;
});
const train = programNamed('train', async ({ files, env }) => {
  const adapter = { 'fine_tuning_completed.txt': 'done', 'adapter_config.json': '{"r":8}', 'adapter_model.safetensors': 'weights' };
  for (const [name, content] of Object.entries(adapter)) if (name !== env['LEFT_OUT']) files.write(`/mnt/results/${name}`, content);
  return 0;
});

const start = ({ host }: SandboxRegistry, { faults = [], password = 'secret' }: { faults?: readonly Fault[]; password?: string } = {}): void => {
  seen = undefined;
  const fetch = createContainerFetch({ certificatePem: authority.certificatePem, registryHost: host });
  cluster = startCluster({ programs: [look, train, ...programs], faults, fetch });
  cluster.create('nodes', nodeNamed('node-a'));
  const config = { auths: { [host]: { auth: Buffer.from(`alice:${password}`).toString('base64') } } };
  cluster.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'registry', namespace: 'default' }, data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') } });
};

const run = async (name: string, spec: Record<string, unknown>): Promise<{ phase: string | undefined; log: string; message: string | undefined }> => {
  cluster.create('pods', podNamed(name, spec));
  const pod = await cluster.until(`${name} ends`, () => {
    const found = cluster.get('pods', name);
    return (found?.status?.phase === 'Succeeded' || found?.status?.phase === 'Failed') && found;
  });
  const key = { namespace: 'default', name, uid: pod.metadata.uid };
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const log = statuses.flatMap((status) => cluster.kubelet.log(key, status.name, { previous: false })?.entries() ?? []).map(({ text }) => text);
  return { phase: pod.status?.phase, log: log.join(''), message: statuses.map(({ state }) => state?.terminated?.message).find((text) => text !== undefined) };
};

const pushSpec = (image: string, leftOut = ''): Record<string, unknown> => {
  const results = { name: 'results', mountPath: '/mnt/results' };
  return {
    initContainers: [{ name: 'tuner', image: oras, command: ['train'], env: [{ name: 'LEFT_OUT', value: leftOut }], volumeMounts: [results] }],
    containers: [
      {
        name: 'push',
        image: oras,
        command: ['sh', '-c', 'check "$OUTPUT_DIR"; oras push "$OUTPUT_IMAGE"'],
        env: [
          { name: 'OUTPUT_DIR', value: '/mnt/results' },
          { name: 'OUTPUT_IMAGE', value: image },
          { name: 'PRESET_NAME', value: 'phi-3-mini-128k-instruct' },
        ],
        volumeMounts: [results, { name: 'docker', mountPath: '/root/.docker' }],
      },
    ],
    volumes: [
      { name: 'results', emptyDir: {} },
      { name: 'docker', secret: { secretName: 'registry', items: [{ key: '.dockerconfigjson', path: 'config.json' }] } },
    ],
  };
};

const pullSpec = (image: string): Record<string, unknown> => {
  const adapter = { name: 'adapter', mountPath: '/mnt/adapter/mine' };
  return {
    initContainers: [
      {
        name: 'adapter-mine',
        image: skopeo,
        command: ['sh', '-c', 'skopeo copy "docker://$IMAGE_REF"; cp data "$DESTINATION"'],
        env: [
          { name: 'IMAGE_REF', value: image },
          { name: 'DESTINATION', value: '/mnt/adapter/mine' },
        ],
        volumeMounts: [adapter, { name: 'docker', mountPath: '/root/.docker/config.d' }],
      },
    ],
    containers: [{ name: 'main', image: 'busybox:1.37', command: ['look'], volumeMounts: [adapter] }],
    volumes: [
      { name: 'adapter', emptyDir: {} },
      { name: 'docker', projected: { sources: [{ secret: { name: 'registry', items: [{ key: '.dockerconfigjson', path: 'registry.json' }] } }] } },
    ],
  };
};

describe('pushing an adapter', () => {
  it('leaves an image that servers of KAITO can pull, and its digest as the termination message', async () => {
    start(registry);
    const image = `${registry.host}/team/adapter:v1`;
    const { phase, log, message } = await run('push', pushSpec(image));
    expect([phase, log]).toEqual(['Succeeded', expect.stringContaining(`Copied [oci-layout] layout:latest => [registry] ${image}\n`)]);
    const repository = registry.content.get('team/adapter');
    const digest = repository?.tags.get('v1') ?? '';
    expect(message).toBe(`digest=${digest}`);
    const manifest: unknown = JSON.parse(repository?.manifests.get(digest)?.content.toString() ?? '');
    expect(manifest).toMatchObject({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json' },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
      annotations: { 'sh.kaito.model.name': 'phi-3-mini-128k-instruct' },
    });
    const blobs = await Promise.all([...(repository?.blobs.values() ?? [])].map((blob) => unpackFiles(blob).catch(() => new Map<string, Buffer>())));
    expect(blobs.flatMap((files) => [...files.keys()])).toEqual(['data/adapter_config.json', 'data/adapter_model.safetensors']);

    await cluster.stop();
    start(registry);
    expect((await run('pull', pullSpec(image))).phase).toBe('Succeeded');
    expect(seen?.list('/mnt/adapter')).toEqual(['/mnt/adapter/mine/adapter_config.json', '/mnt/adapter/mine/adapter_model.safetensors']);
    expect(seen?.read('/mnt/adapter/mine/adapter_config.json')?.toString()).toBe('{"r":8}');
  });

  it.each(['fine_tuning_completed.txt', 'adapter_config.json', 'adapter_model.safetensors'])('fails when training has left no %s', async (name) => {
    start(registry);
    const { phase, log } = await run('push', pushSpec(`${registry.host}/team/adapter:v2`, name));
    expect([phase, log]).toEqual(['Failed', `Training has left no ${name} in /mnt/results.\n`]);
  });

  it('has nothing to do when the adapter stays in its volume', async () => {
    start(registry);
    const { phase, log } = await run('push', pushSpec(''));
    expect([phase, log]).toEqual(['Succeeded', expect.stringContaining('adapter_model.safetensors\n')]);
  });

  it('tries five times when the registry is down, and then fails', async () => {
    const down = await openRegistry(['registry-down']);
    start(down);
    const { phase, log } = await run('push', pushSpec(`${down.host}/team/adapter:v1`));
    expect(phase).toBe('Failed');
    expect(log.match(/response status code 503/g)).toHaveLength(5);
    expect(log.match(/trying again in (\d+) seconds/g)).toEqual([5, 15, 30, 60].map((seconds) => `trying again in ${seconds} seconds`));
    expect(log).toMatch(/cannot be pushed\.\n$/);
  });

  it('tells the registry’s refusal', async () => {
    const refusing = await openRegistry(['push-refused']);
    start(refusing);
    const { phase, log } = await run('push', pushSpec(`${refusing.host}/team/adapter:v1`));
    expect([phase, log]).toEqual(['Failed', expect.stringMatching(/response status code 403: denied: /)]);
    // What a registry refuses twice it refuses for good, and the GPU is held meanwhile.
    expect(log.match(/trying again in \d+ seconds/g)).toEqual(['trying again in 5 seconds']);
  });

  it('fails with a password that is wrong', async () => {
    start(registry, { password: 'wrong' });
    const { phase, log } = await run('push', pushSpec(`${registry.host}/team/adapter:v3`));
    expect([phase, log]).toEqual(['Failed', expect.stringMatching(/response status code 401: unauthorized: /)]);
  });

  it('fails when nothing is where the image is to go', async () => {
    start(registry);
    const { phase, log } = await run('push', pushSpec('no-such-host.example.com/team/adapter:v1'));
    expect([phase, log]).toEqual(['Failed', expect.stringContaining('ENOTFOUND no-such-host.example.com')]);
  });
});

describe('pulling an image as files', () => {
  it('asks without credentials first and then with those that are mounted', async () => {
    const closed = await openRegistry([], false);
    start(closed);
    const image = `${closed.host}/team/adapter:v1`;
    await run('push', pushSpec(image));
    const { phase, log } = await run('pull', pullSpec(image));
    expect([phase, log]).toEqual(['Succeeded', expect.stringMatching(/level=fatal.*\nTrying again with registry\.json\.\n/)]);
  });

  it('fails for an image that is not there', async () => {
    start(registry);
    const { phase, log } = await run('pull', pullSpec(`${registry.host}/team/absent:v1`));
    expect([phase, log]).toEqual(['Failed', expect.stringMatching(/response status code 404: .*\n.*\/team\/absent:v1 cannot be pulled\.\n$/s)]);
  });
});

describe('fetching a dataset', () => {
  const spec = (urls: string): Record<string, unknown> => {
    const data = { name: 'data', mountPath: '/mnt/data' };
    return {
      initContainers: [
        {
          name: 'dataset',
          image: 'curlimages/curl:8.12.1',
          command: ['sh', '-c', 'for url in $DATA_URLS; do curl "$url" > "$DATA_VOLUME_PATH"; done'],
          env: [
            { name: 'DATA_URLS', value: urls },
            { name: 'DATA_VOLUME_PATH', value: '/mnt/data' },
          ],
          volumeMounts: [data],
        },
      ],
      containers: [{ name: 'main', image: 'busybox:1.37', command: ['look'], volumeMounts: [data] }],
      volumes: [{ name: 'data', emptyDir: {} }],
    };
  };

  it('leaves each file under the last part of its address, in the format that its name says', async () => {
    start(registry);
    await run('fetch', spec('https://example.com/a/train.parquet?download=true https://example.com/rows.jsonl'));
    expect(seen?.list('/mnt/data')).toEqual(['/mnt/data/rows.jsonl', '/mnt/data/train.parquet']);
    expect(readParquetFooter(seen?.read('/mnt/data/train.parquet') ?? Buffer.alloc(0))).toEqual({ columns: ['messages'], rowCount: 64 });
    const [row = ''] = seen?.read('/mnt/data/rows.jsonl')?.toString().split('\n') ?? [];
    expect(JSON.parse(row)).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant' }] });
  });

  it('gives up after three tries under the fault `dataset-missing`', async () => {
    start(registry, { faults: ['dataset-missing'] });
    const { phase, log } = await run('fetch', spec('https://example.com/rows.jsonl'));
    expect([phase, log]).toEqual(['Failed', `Downloading https://example.com/rows.jsonl\n${'https://example.com/rows.jsonl answers 404.\n'.repeat(3)}https://example.com/rows.jsonl cannot be downloaded.\n`]);
  });

  it.each([
    ['', 'DATA_URLS names no dataset.\n'],
    ['https://example.com/', 'https://example.com/ names no file.\n'],
  ])('refuses the addresses %j', async (urls, expected) => {
    start(registry);
    const { phase, log } = await run('fetch', spec(urls));
    expect([phase, log]).toEqual(['Failed', expected]);
  });
});

describe('pulling weights', () => {
  it('leaves a model’s files in the folder, and prints what oras prints', async () => {
    start(registry);
    const weights = { name: 'weights', mountPath: '/workspace/weights' };
    const image = 'mcr.microsoft.com/aks/kaito/kaito-phi-3-mini-128k-instruct:0.2.0';
    const { log } = await run('weights', {
      initContainers: [{ name: 'weights', image: 'mcr.microsoft.com/oss/v2/oras-project/oras:v1.2.3', command: ['oras', 'pull', image, '-o', '/workspace/weights'], volumeMounts: [weights] }],
      containers: [{ name: 'main', image: 'busybox:1.37', command: ['look'], volumeMounts: [weights] }],
      volumes: [{ name: 'weights', emptyDir: {} }],
    });
    expect(log).toMatch(new RegExp(`^Downloading [0-9a-f]{12} config\\.json\nDownloaded  [0-9a-f]{12} config\\.json\n[\\s\\S]*Pulled \\[registry\\] ${image}\nDigest: sha256:[0-9a-f]{64}\n$`));
    expect(seen?.list('/workspace/weights')).toContain('/workspace/weights/model-00001-of-00002.safetensors');
    expect(JSON.parse(seen?.read('/workspace/weights/config.json')?.toString() ?? '')).toMatchObject({ model_type: 'phi3', hidden_size: 3072 });
  });
});

describe('references to images', () => {
  it.each([
    ['127.0.0.1:5000/team/adapter:v1', { host: '127.0.0.1:5000', repository: 'team/adapter', target: 'v1' }],
    ['myregistry.azurecr.io/adapter', { host: 'myregistry.azurecr.io', repository: 'adapter', target: 'latest' }],
    ['team/adapter:v1', { host: 'registry-1.docker.io', repository: 'team/adapter', target: 'v1' }],
    ['busybox', { host: 'registry-1.docker.io', repository: 'library/busybox', target: 'latest' }],
    [`a.io/b@sha256:${'0'.repeat(64)}`, { host: 'a.io', repository: 'b', target: `sha256:${'0'.repeat(64)}` }],
  ])('say where to ask for %s', (text, expected) => {
    expect(parseReference(text)).toMatchObject(expected);
  });

  it.each(['', 'A.io/UPPER', 'a.io/b:bad tag'])('are refused when they are none: %j', (text) => {
    expect(parseReference(text)).toBeUndefined();
  });
});

describe('the sandbox’s own dataset', () => {
  it('has the columns of prompts when it is csv', () => {
    expect(renderDataset('rows.csv').toString().split('\n')[0]).toBe('prompt,completion');
  });
});
