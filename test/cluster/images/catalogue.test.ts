import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { defaultImages } from '../../../src/manifests/images.ts';
import { readShippedPresets } from '../../../src/manifests/shipped.ts';
import { catalogueKey, makeCatalogue, missingPackages, publicImages, type NamedImage } from './catalogue.ts';
import { toLayer } from './layer.ts';
import { whyNotBuilt } from './programs.ts';
import { push } from './push.ts';

const missing = [...(await missingPackages()), ...(existsSync('/usr/bin/docker-registry') ? [] : ['docker-registry'])];
const reason = (await whyNotBuilt()) ?? (missing.length > 0 ? `apt-get install ${missing.join(' ')}` : undefined);
const settings = { certificateAuthority: 'an authority\n', controlUrl: 'http://gateway.example/stand-in' };

test('a layer of the same entries is the same, whenever it is made', async () => {
  const entries = [{ path: '/data/a', content: 'a' }, { path: '/bin/sh', link: 'dash' }];
  const [first, second] = [await toLayer(entries), await toLayer(entries)];
  expect(second.digest).toBe(first.digest);
  expect((await toLayer([{ path: '/data/a', content: 'b' }])).digest).not.toBe(first.digest);
});

describe.skipIf(reason !== undefined)(`the images that are built${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let images: NamedImage[];
  let folder: string;
  let registry: ReturnType<typeof spawn>;
  beforeAll(async () => {
    images = await makeCatalogue(settings);
    folder = await mkdtemp(join(tmpdir(), 'catalogue-'));
    await writeFile(join(folder, 'registry.yaml'), `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${folder}/storage}}\nhttp: {net: unix, addr: ${folder}/socket, relativeurls: true}\n`);
    registry = spawn('docker-registry', ['serve', join(folder, 'registry.yaml')], { stdio: 'ignore' });
    await vi.waitUntil(() => existsSync(join(folder, 'socket')), { timeout: 150_000 });
  }, 600_000);
  afterAll(async () => {
    registry.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const find = (reference: string): NamedImage => {
    const found = images.find((image) => image.reference === reference);
    if (!found) throw new Error(`${reference} is not among ${images.map((image) => image.reference).join(', ')}`);
    return found;
  };

  test('are all that manifests name, under the published names', async () => {
    const presets = await readShippedPresets();
    const names = [...Object.values(defaultImages), ...Object.values(publicImages), ...presets.flatMap(({ tuning }) => tuning?.weightsImage ?? [])];
    const references = images.map(({ reference }) => reference);
    expect(names.filter((name) => !references.includes(name) && !references.includes(`docker.io/${name}`))).toEqual([]);
  });

  test('are what a registry has after a push, and after a second one', async () => {
    const { image } = find('mcr.microsoft.com/aks/kaito/kaito-base:0.5.0');
    await push({ socketPath: join(folder, 'socket') }, { repository: 'aks/kaito/kaito-base', tag: '0.5.0' }, image);
    // A second time is nothing new, and no error.
    await push({ socketPath: join(folder, 'socket') }, { repository: 'aks/kaito/kaito-base', tag: '0.5.0' }, image);
    const stored = await readFile(join(folder, `storage/docker/registry/v2/repositories/aks/kaito/kaito-base/_manifests/tags/0.5.0/current/link`), 'utf8');
    expect(stored).toBe(image.manifest.digest);
  });

  test('change their key with the authority that they trust', async () => {
    const key = await catalogueKey(settings);
    expect(await catalogueKey(settings)).toBe(key);
    expect(await catalogueKey({ ...settings, certificateAuthority: 'another' })).not.toBe(key);
  });

  test('hold programs that run with nothing but what is in them', async () => {
    for (const [reference, command, says] of [[defaultImages.pull, ['skopeo', '--version'], /skopeo version/], [`docker.io/${defaultImages.download}`, ['curl', '--version'], /^curl \d/], [defaultImages.push, ['oras', 'version'], /Version: /]] as const) {
      const root = await mkdtemp(join(folder, 'root-'));
      for (const [index, blob] of find(reference).image.blobs.slice(1).entries()) {
        await writeFile(join(root, `layer-${index}`), blob.bytes);
        await execa('tar', ['-xf', `layer-${index}`, '-C', '.'], { cwd: root });
      }
      const { stdout } = await execa('chroot', [root, ...command], { env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' } });
      expect(stdout).toMatch(says);
    }
  });
});
