import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defaultImages } from '../../src/manifests/images.ts';
import { ownNamespace, theCluster } from '../cluster/real/the-cluster.ts';
import { addBehaviour, addFault, putFile, readRequests } from '../cluster/registries/control.ts';
import { openRegistries } from '../cluster/registries/registries.ts';
import { podsIn } from './pods.ts';

const provided = theCluster();

describe.skipIf(provided.kind === 'given')('the registries of the real cluster', () => {
  if (provided.kind === 'given') return;
  const { cluster } = provided;
  const registries = openRegistries(cluster);
  const { privateHost, users } = registries;

  const open = async () => {
    const namespace = await ownNamespace();
    return { pods: podsIn(cluster, namespace), unique: namespace.replace('kaito-ts-test-', '') };
  };

  /** With the Secret as docker's configuration, which is where oras and skopeo look. */
  const withCredentials = (secret: string, image: string, script: string) => ({
    containers: [{ name: 'main', image, command: ['sh', '-c', script], volumeMounts: [{ name: 'credentials', mountPath: '/root/.docker/config.json', subPath: '.dockerconfigjson' }] }],
    volumes: [{ name: 'credentials', secret: { secretName: secret } }],
  });
  const pushScript = (image: string): string => `cd /tmp && echo hello > a && oras push ${image} a && oras resolve ${image}`;

  test('pods pull every image under its published name', async () => {
    const { pods } = await open();
    const versions = { weights: 'oras version', push: 'oras version', pull: 'skopeo --version', download: 'curl --version', base: 'cat /workspace/version.txt' } as const;
    const containers = Object.entries(versions).map(([name, script]) => ({ name, image: defaultImages[name as keyof typeof versions], command: ['sh', '-c', script] }));
    const { succeeded, logs } = await pods.run('all', { containers });
    expect(logs).toEqual({ weights: expect.stringContaining('1.2.3'), push: expect.stringContaining('1.2.3'), pull: expect.stringContaining('skopeo version'), download: expect.stringMatching(/^curl /), base: '0.5.0\n' });
    expect(succeeded).toBe(true);
  });

  test('oras in a pod pushes with a token over TLS, and the push is there', async () => {
    const { pods, unique } = await open();
    await pods.createPullSecret('writer', privateHost, users.writer);
    const image = `${privateHost}/pushed-${unique}:1`;
    const { succeeded, logs } = await pods.run('push', withCredentials('writer', defaultImages.push, pushScript(image)));
    expect(logs['main']).toContain(`Pushed [registry] ${image}`);
    expect(succeeded).toBe(true);
    const asked = (await readRequests(registries)).filter(({ path, host }) => host === privateHost && path.includes(unique));
    expect(asked).toContainEqual({ host: privateHost, method: 'GET', path: expect.stringContaining('/oauth2/token?scope='), status: 200 });
    expect(asked).toContainEqual({ host: privateHost, method: 'PUT', path: `/v2/pushed-${unique}/manifests/1`, status: 201 });
  });

  test('a wrong password is refused by the token service', async () => {
    const { pods, unique } = await open();
    await pods.createPullSecret('wrong', privateHost, { ...users.writer, password: 'wrong' });
    const { succeeded, logs } = await pods.run('push', withCredentials('wrong', defaultImages.push, pushScript(`${privateHost}/refused-${unique}:1`)));
    expect(logs['main']).toContain('unauthorized: authentication required, visit https://aka.ms/acr/authorization');
    expect(succeeded).toBe(false);
  });

  test('whoever may only pull cannot push', async () => {
    const { pods, unique } = await open();
    await pods.createPullSecret('reader', privateHost, users.reader);
    const { succeeded, logs } = await pods.run('push', withCredentials('reader', defaultImages.push, pushScript(`${privateHost}/read-${unique}:1`)));
    expect(logs['main']).toContain('unauthorized: authentication required');
    expect(succeeded).toBe(false);
  });

  test('the kubelet pulls from the private registry with a secret, and says so when the secret is wrong', async () => {
    const { pods } = await open();
    await pods.createPullSecret('reader', privateHost, users.reader);
    await pods.createPullSecret('wrong', privateHost, { ...users.reader, password: 'wrong' });
    const image = `${privateHost}/e2e-dataset:0.0.1`;
    const containers = [{ name: 'main', image, command: ['cat', '/data/train.jsonl'] }];
    const { logs } = await pods.run('right', { containers, imagePullSecrets: [{ name: 'reader' }] });
    expect(logs['main']?.trim().split('\n')).toHaveLength(10);
    // Another image: nodes keep what they have pulled, and do not ask for it again.
    await pods.start('wrong', { containers: [{ name: 'main', image: `${privateHost}/e2e-adapter:0.0.1` }], imagePullSecrets: [{ name: 'wrong' }] });
    expect(await pods.waitingReason('wrong', /ErrImagePull/)).toContain('401 Unauthorized');
  });

  test.each([
    { fault: { status: 403, code: 'DENIED', message: 'requested access to the resource is denied' }, says: 'denied: requested access to the resource is denied' },
    { fault: { status: 503, code: 'UNAVAILABLE', message: 'out of order' }, says: 'unavailable: out of order' },
    { fault: { cutAfterBytes: 0 }, says: 'EOF' },
  ])('a push meets the fault that it was given: $says', async ({ fault, says }) => {
    const { pods, unique } = await open();
    onTestFinished(await addFault(registries, { host: privateHost, request: `^(PUT|POST|PATCH) /v2/faulty-${unique}/`, ...fault }));
    await pods.createPullSecret('writer', privateHost, users.writer);
    const { succeeded, logs } = await pods.run('push', withCredentials('writer', defaultImages.push, pushScript(`${privateHost}/faulty-${unique}:1`)));
    expect(logs['main']).toContain(says);
    expect(succeeded).toBe(false);
  });

  test('a node that pulls from a public registry says what the registry said', async () => {
    const { pods, unique } = await open();
    const start = (name: string) => pods.start(name, { containers: [{ name: 'main', image: `mcr.microsoft.com/${name}-${unique}:1` }] });
    onTestFinished(await addFault(registries, { host: 'mcr.microsoft.com', request: `/v2/broken-${unique}/`, status: 503 }));
    await start('missing');
    expect(await pods.waitingReason('missing', /ErrImagePull/)).toContain(`mcr.microsoft.com/missing-${unique}:1: not found`);
    await start('broken');
    expect(await pods.waitingReason('broken', /ErrImagePull/)).toContain('503 Service Unavailable');
  });

  test('an upload that is cut in the middle can be tried again', async () => {
    const { pods, unique } = await open();
    onTestFinished(await addFault(registries, { host: privateHost, request: `^(PUT|PATCH) /v2/cut-${unique}/blobs/`, cutAfterBytes: 100_000, times: 1 }));
    await pods.createPullSecret('writer', privateHost, users.writer);
    const image = `${privateHost}/cut-${unique}:1`;
    const script = `cd /tmp && head -c 3000000 /dev/urandom > a && for i in 1 2 3; do oras push ${image} a && exit 0; done; exit 1`;
    expect(await pods.run('push', withCredentials('writer', defaultImages.push, script))).toMatchObject({ succeeded: true });
    expect((await readRequests(registries)).some(({ path, status }) => path === `/v2/cut-${unique}/manifests/1` && status === 201)).toBe(true);
  });

  test('this machine finds the private registry and what it hands out under their names', async () => {
    const url = await putFile(registries, 'hello.txt', 'hello');
    const status = (address: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(address, { ca: readFileSync(registries.certificateAuthorityFile) }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status(`https://${privateHost}/v2/`)).toBe(401);
    expect(await status(url)).toBe(200);
  });

  test('a stand-in that is told to use up its memory is killed for it', async () => {
    const { pods, unique } = await open();
    onTestFinished(await addBehaviour(registries, { podPrefix: `oom-${unique}`, behaviour: { at: 'start', do: 'oom' } }));
    await pods.start(`oom-${unique}`, {
      restartPolicy: 'Always',
      containers: [{ name: 'main', image: defaultImages.base, command: ['python3', '/workspace/vllm/inference_api.py', '--model=some/model'], resources: { limits: { memory: '64Mi' } } }],
    });
    expect(await pods.waitingReason(`oom-${unique}`, /CrashLoopBackOff/)).toContain('back-off');
    expect(await pods.lastEnd(`oom-${unique}`)).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });
});
