import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/sandbox/controllers/object-types.ts';
import { createContainerFiles } from '../../../src/sandbox/kubelet/files.ts';
import { expand } from '../../../src/sandbox/kubelet/environment.ts';
import type { ContainerFiles } from '../../../src/sandbox/programs/program.ts';
import { startCluster, type TestCluster, containerNamed, nodeNamed, podNamed, programNamed } from '../support/cluster.ts';

const untilTold = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** What the containers of the test saw, by name. */
const seen = new Map<string, { files: ContainerFiles; env: Readonly<Record<string, string>>; args: readonly string[] }>();
const look = programNamed('look', async ({ name, files, env, args }) => {
  seen.set(name, { files, env, args });
  return 0;
});
const stay = programNamed('stay', async ({ name, files, env, args, signal }) => {
  seen.set(name, { files, env, args });
  await untilTold(signal);
  return 0;
});

let cluster: TestCluster;
beforeEach(() => {
  seen.clear();
  cluster = startCluster({ programs: [look, stay] });
  cluster.create('nodes', nodeNamed('node-a'));
  cluster.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { 'a.yaml': 'a: 1', COLOR: 'blue' } });
  cluster.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'default' }, data: { token: Buffer.from('s3cret').toString('base64') } });
});
afterEach(() => cluster.stop());

const pod = (): Pod | undefined => cluster.get('pods', 'web');
const createPod = (spec: Record<string, unknown>) => cluster.create('pods', podNamed('web', spec, { labels: { app: 'web' } }));
const ended = () => cluster.until('the pod ends', () => pod()?.status?.phase === 'Succeeded');
const textOf = (name: string, path: string) => seen.get(name)?.files.read(path)?.toString('utf8');

describe('volumes', () => {
  it('carry ConfigMaps and Secrets, whole or by key, and downward facts, in one place when projected', async () => {
    createPod({
      containers: [
        containerNamed('main', 'look', {
          volumeMounts: [
            { name: 'config', mountPath: '/mnt/config' },
            { name: 'secret', mountPath: '/mnt/secret' },
            { name: 'all', mountPath: '/root/.docker/config.d' },
            { name: 'config', mountPath: '/etc/one.yaml', subPath: 'a.yaml' },
          ],
        }),
      ],
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'secret', secret: { secretName: 'keys', items: [{ key: 'token', path: 'deep/token.txt' }] } },
        { name: 'all', projected: { sources: [{ secret: { name: 'keys', items: [{ key: 'token', path: 'keys.json' }] } }, { configMap: { name: 'settings' } }, { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }] } },
      ],
    });
    await ended();
    expect(textOf('main', '/mnt/config/a.yaml')).toBe('a: 1');
    expect(textOf('main', '/etc/one.yaml')).toBe('a: 1');
    expect(seen.get('main')?.files.list('/mnt/secret')).toEqual(['/mnt/secret/deep/token.txt']);
    expect(textOf('main', '/mnt/secret/deep/token.txt')).toBe('s3cret');
    expect(seen.get('main')?.files.list('/root/.docker/config.d')).toEqual(['COLOR', 'a.yaml', 'keys.json', 'name'].map((name) => `/root/.docker/config.d/${name}`));
    expect(textOf('main', '/root/.docker/config.d/name')).toBe('web');
    expect(() => seen.get('main')?.files.write('/mnt/config/a.yaml', 'b')).toThrow('EROFS');
  });

  it('of the pod are shared by its containers, and the rest of the files are not', async () => {
    const write = programNamed('write', async ({ files }) => {
      files.write('/mnt/shared/file.txt', 'yes');
      files.write('/tmp/own.txt', 'yes');
      return 0;
    });
    await cluster.stop();
    cluster = startCluster({ programs: [write, look] });
    cluster.create('nodes', nodeNamed('node-a'));
    const volumeMounts = [{ name: 'work', mountPath: '/mnt/shared' }];
    createPod({ initContainers: [containerNamed('first', 'write', { volumeMounts })], containers: [containerNamed('main', 'look', { volumeMounts })], volumes: [{ name: 'work', emptyDir: {} }] });
    await ended();
    expect(textOf('main', '/mnt/shared/file.txt')).toBe('yes');
    expect(textOf('main', '/tmp/own.txt')).toBeUndefined();
  });

  it('of claims outlive the pod and are shared by all that use the claim', async () => {
    cluster.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast' }, provisioner: 'disk.csi.azure.com', volumeBindingMode: 'WaitForFirstConsumer' });
    cluster.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'fast' } });
    const spec = (name: string) => ({ containers: [containerNamed(name, 'look', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
    createPod(spec('first'));
    await ended();
    seen.get('first')?.files.write('/data/adapter/a.txt', 'kept');
    cluster.store.delete('pods', 'default', 'web');
    createPod(spec('second'));
    await ended();
    expect(textOf('second', '/data/adapter/a.txt')).toBe('kept');
  });

  it('that cannot be mounted are told in the kubelet’s words, and mounted when they can', async () => {
    createPod({ containers: [containerNamed('main', 'look')], volumes: [{ name: 'config', configMap: { name: 'late' } }] });
    await cluster.until('it says so', () => cluster.eventsOf('web').includes('FailedMount: MountVolume.SetUp failed for volume "config" : configmap "late" not found'));
    expect(pod()?.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating');
    cluster.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: 'default' } });
    await ended();
  });

  it('that are optional may be missing', async () => {
    createPod({ containers: [containerNamed('main', 'look')], volumes: [{ name: 'config', configMap: { name: 'late', optional: true } }, { name: 'secret', secret: { secretName: 'late', optional: true } }] });
    await ended();
  });
});

describe('the environment', () => {
  it('has plain values, what they refer to, and what the pod is', async () => {
    createPod({
      containers: [
        containerNamed('main', 'look', {
          args: ['--name=$(NAME)', '$(UNKNOWN)', '$$(NAME)'],
          envFrom: [{ prefix: 'CFG_', configMapRef: { name: 'settings' } }],
          env: [
            { name: 'NAME', value: 'phi' },
            { name: 'GREETING', value: 'hello $(NAME), $(UNKNOWN)' },
            { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'COLOR' } } },
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
            { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'none', key: 'token', optional: true } } },
            { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          ],
          resources: { limits: { memory: '1Gi' } },
        }),
      ],
    });
    await ended();
    const { env = {}, args } = seen.get('main') ?? {};
    expect(env).toMatchObject({ NAME: 'phi', GREETING: 'hello phi, $(UNKNOWN)', COLOR: 'blue', TOKEN: 's3cret', POD: 'web', APP: 'web', IP: pod()?.status?.podIP, MEMORY: '1024', CFG_COLOR: 'blue', HOSTNAME: 'web' });
    expect(env).not.toHaveProperty('ABSENT');
    expect(args).toEqual(['--name=phi', '$(UNKNOWN)', '$(NAME)']);
  });

  it.each([
    [{ configMapKeyRef: { name: 'late', key: 'x' } }, 'configmap "late" not found'],
    [{ secretKeyRef: { name: 'late', key: 'x' } }, 'secret "late" not found'],
    [{ configMapKeyRef: { name: 'settings', key: 'x' } }, "couldn't find key x in ConfigMap default/settings"],
  ])('holds the container back while something is missing: %j', async (valueFrom, message) => {
    createPod({ containers: [containerNamed('main', 'look', { env: [{ name: 'X', valueFrom }] })] });
    await cluster.until('it waits', () => pod()?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError');
    expect(pod()?.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe(message);
    expect(cluster.eventsOf('web')).toContain(`Failed: Error: ${message}`);
  });

  it.each([
    ['$(A)$(A)', '11'],
    ['$$(A)', '$(A)'],
    ['$A', '$A'],
    ['$(B', '$(B'],
    ['$$$(A)', '$1'],
  ])('expands %s to %s', (given, expected) => {
    expect(expand(given, { A: '1' })).toBe(expected);
  });
});

describe('the files of a container', () => {
  it('are hidden where a volume is mounted over them, the deepest first', () => {
    const outer = { path: '/mnt', files: new Map([['a', Buffer.from('outer')], ['in/b', Buffer.from('hidden')]]), subPath: '', isReadOnly: false };
    const inner = { path: '/mnt/in', files: new Map([['c', Buffer.from('inner')]]), subPath: '', isReadOnly: false };
    const files = createContainerFiles([outer, inner]);
    expect(files.list('/mnt')).toEqual(['/mnt/a', '/mnt/in/c']);
    expect(files.read('/mnt/in/b')).toBeUndefined();
    files.write('/mnt/../mnt/in/./d', 'new');
    expect(inner.files.get('d')?.toString()).toBe('new');
    expect(files.list('/')).toEqual(['/mnt/a', '/mnt/in/c', '/mnt/in/d']);
  });

  it('are a part of the volume when a mount names one', () => {
    const part = { path: '/data', files: new Map([['x/a', Buffer.from('1')], ['y/b', Buffer.from('2')]]), subPath: 'x', isReadOnly: false };
    const files = createContainerFiles([part]);
    expect(files.list('/data')).toEqual(['/data/a']);
    files.write('/data/deep/c', '3');
    expect([...part.files.keys()]).toContain('x/deep/c');
  });
});
