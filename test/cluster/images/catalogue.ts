import { readFile, stat } from 'node:fs/promises';
import { defaultImages } from '../../../src/manifests/images.ts';
import { readShippedPresets, readShippedTemplates } from '../../../src/manifests/shipped.ts';
import { digestOf, digestOfFolder } from './cache.ts';
import { kaitoBaseEntries } from './kaito-base-image.ts';
import { toArtifact, toImage, type Image } from './image.ts';
import { busyboxEntries, programOf, toLayer, type Entry } from './layer.ts';
import { adapterFiles, modelFiles, modelOfPreset } from './models.ts';
import { buildKaitoBase, buildOras } from './programs.ts';

/** What differs from cluster to cluster. */
export interface CatalogueSettings {
  /** PEM; the only authority that the images' programs trust. */
  certificateAuthority: string;
  /** Where the stand-in asks how to behave. */
  controlUrl: string;
}

/** An image under the name by which pods ask for it; `registry/repository:tag`. */
export interface NamedImage {
  reference: string;
  image: Image;
}

/** Images for the private registry, in KAITO's layout: the files below /data. */
const privateImages = { dataset: 'e2e-dataset:0.0.1', adapter: 'e2e-adapter:0.0.1' } as const;
/** The same for anybody. */
export const publicImages = { dataset: 'ghcr.io/kaito-project/e2e-dataset:0.0.1', adapter: 'ghcr.io/kaito-project/e2e-adapter:0.0.1' } as const;

const hostPrograms = ['/usr/bin/skopeo', '/usr/bin/curl', '/bin/dash', '/bin/tar', '/bin/gzip', '/usr/bin/busybox'];

/** Which programs of this machine are missing, as the names of Debian's packages. */
export const missingPackages = async (): Promise<string[]> => {
  const packages: Readonly<Record<string, string>> = { '/usr/bin/busybox': 'busybox-static' };
  const found = await Promise.all(hostPrograms.map((path) => stat(path).then(() => undefined, () => packages[path] ?? path.replace(/.*\//, ''))));
  return found.filter((name) => name !== undefined);
};

/** Changes with anything that the images are made of. */
export const catalogueKey = async ({ certificateAuthority, controlUrl }: CatalogueSettings): Promise<string> => {
  const programs = await Promise.all(hostPrograms.map(async (path) => stat(path).then(({ size, mtimeMs }) => `${path} ${size} ${mtimeMs}`, () => path)));
  const presets = await readShippedPresets();
  return digestOf(await digestOfFolder(import.meta.dirname), JSON.stringify(presets.map(({ tuning }) => tuning)), JSON.stringify(defaultImages), certificateAuthority, controlUrl, ...programs);
};

const trainingRows = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify({ messages: [{ role: 'user', content: `Question ${index}?` }, { role: 'assistant', content: `Answer ${index}.` }] })}\n`).join('');

/** Every image that our manifests name, with what the tests pull besides. */
export const makeCatalogue = async (settings: CatalogueSettings): Promise<NamedImage[]> => {
  const [oras, kaitoBase, busybox, tools] = await Promise.all([buildOras(), buildKaitoBase(), busyboxEntries(), debianTools()]);
  const trust: Entry[] = [{ path: '/etc/ssl/certs/ca-certificates.crt', content: settings.certificateAuthority }];
  const [system, debian, authority] = await Promise.all([toLayer(busybox), toLayer([...busybox.filter(({ path }) => !replacedTools.includes(path)), ...tools]), toLayer(trust)]);
  const orasLayer = await toLayer([{ path: '/bin/oras', content: await readFile(oras), mode: 0o755 }, { path: '/workspace', folder: true }]);
  const skopeoLayer = await toLayer([...(await programOf('/usr/bin/skopeo')), { path: '/etc/containers/policy.json', content: '{"default":[{"type":"insecureAcceptAnything"}]}\n' }]);
  const curlLayer = await toLayer([...(await programOf('/usr/bin/curl')), { path: '/etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\ncurl_user:x:100:101:curl:/home/curl_user:/bin/sh\n' }, { path: '/etc/group', content: 'root:x:0:\ncurl_group:x:101:\n' }]);
  const orasImage = toImage([system, orasLayer, authority], { command: ['oras'], workingFolder: '/workspace' });
  const runnable: [string, Image][] = [
    [defaultImages.base, toImage([debian, await toLayer(await programOf('/usr/bin/curl')), await toLayer(await kaitoBaseEntries(kaitoBase)), authority], { workingFolder: '/workspace', environment: { STAND_IN_CONTROL: settings.controlUrl } })],
    [defaultImages.weights, orasImage],
    [defaultImages.push, orasImage],
    [defaultImages.pull, toImage([debian, skopeoLayer, authority], { command: ['skopeo'] })],
    [`docker.io/${defaultImages.download}`, toImage([system, curlLayer, authority], { command: ['curl'], user: 'curl_user' })],
    [await devicePluginImage(), toImage([system], { command: ['sleep', '2147483647'] })],
  ];
  const dataset = toImage([system, await toLayer([{ path: '/data/train.jsonl', content: trainingRows(10) }])]);
  const adapter = toImage([system, await toLayer(Object.entries(adapterFiles()).map(([name, content]): Entry => ({ path: `/data/${name}`, content })))]);
  return [
    ...runnable.map(([reference, image]) => ({ reference, image })),
    ...(await weightsImages()),
    { reference: publicImages.dataset, image: dataset },
    { reference: publicImages.adapter, image: adapter },
    { reference: `private/${privateImages.dataset}`, image: dataset },
    { reference: `private/${privateImages.adapter}`, image: adapter },
  ];
};

/** What the real images have from Debian, and busybox does a little differently. */
const replacedTools = ['/bin/sh', '/bin/tar', '/bin/gzip'];

const debianTools = async (): Promise<Entry[]> => {
  const [shell, tar, gzip] = await Promise.all([programOf('/bin/dash', '/bin/dash'), programOf('/bin/tar', '/bin/tar'), programOf('/bin/gzip', '/bin/gzip')]);
  const entries = [...shell, ...tar, ...gzip, { path: '/bin/sh', link: 'dash' }];
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
};

const weightsImages = async (): Promise<NamedImage[]> => {
  const presets = await readShippedPresets();
  return presets.flatMap(({ name, tuning }) =>
    tuning?.weightsImage ? [{ reference: tuning.weightsImage, image: toArtifact(modelFiles(modelOfPreset(name)), 'application/vnd.unknown.artifact.v1') }] : [],
  );
};

const devicePluginImage = async (): Promise<string> => {
  const templates = await readShippedTemplates();
  const image = /image: (\S+k8s-device-plugin\S*)/.exec(JSON.stringify(templates).replaceAll('\\n', '\n').replaceAll('"', ' '))?.[1];
  return image ?? 'mcr.microsoft.com/oss/v2/nvidia/k8s-device-plugin:v0.18.2-12';
};
