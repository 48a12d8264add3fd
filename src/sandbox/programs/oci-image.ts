import { createHash } from 'node:crypto';
import * as z from 'zod';
import { RegistryError, type RegistryClient } from './oci-client.ts';

export const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

export interface Blob {
  mediaType: string;
  content: Buffer<ArrayBuffer>;
}

export interface Image {
  config: Blob;
  layers: Blob[];
  manifest: Blob;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
const acceptedTypes = [manifestType, 'application/vnd.docker.distribution.manifest.v2+json', ...indexTypes].join(', ');

const descriptor = z.object({ mediaType: z.string(), digest: z.string(), size: z.number() });
const manifest = z.object({ config: descriptor, layers: z.array(descriptor) });
const index = z.object({ manifests: z.array(descriptor.extend({ platform: z.object({ os: z.string(), architecture: z.string() }).optional() })) });

/** An image in OCI's format. */
export const buildImage = (config: Blob, layers: readonly (Blob & { title: string })[], annotations: Record<string, string>): Image => {
  const describe = ({ mediaType, content }: Blob) => ({ mediaType, digest: digestOf(content), size: content.length });
  const body = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(config),
    layers: layers.map((layer) => ({ ...describe(layer), annotations: { 'org.opencontainers.image.title': layer.title } })),
    annotations,
  };
  return { config, layers: [...layers], manifest: { mediaType: manifestType, content: Buffer.from(JSON.stringify(body)) } };
};

/** Blobs first, and the manifest that names them last. Throws a RegistryError. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push */
export const pushImage = async (client: RegistryClient, { config, layers, manifest: top }: Image, target: string): Promise<void> => {
  for (const blob of [...layers, config]) await pushBlob(client, blob);
  await client(`manifests/${target}`, { method: 'PUT', headers: { 'content-type': top.mediaType }, body: top.content });
};

const pushBlob = async (client: RegistryClient, { content }: Blob): Promise<void> => {
  const digest = digestOf(content);
  const known = await client(`blobs/${digest}`, { method: 'HEAD', accepted: [404] });
  if (known.ok) return;
  const started = await client('blobs/uploads/', { method: 'POST' });
  await started.body?.cancel();
  const location = started.headers.get('location');
  if (location === null) throw new RegistryError('the registry has opened an upload and not said where');
  const url = new URL(location, started.url);
  url.searchParams.set('digest', digest);
  await client(url.href, { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: content });
};

/** The layers of an image, lowest first, of many platforms that of the nodes. Throws a RegistryError. */
export const pullLayers = async (client: RegistryClient, target: string): Promise<{ digest: string; content: Buffer }[]> => {
  const response = await client(`manifests/${target}`, { headers: { accept: acceptedTypes } });
  const body: unknown = await response.json();
  if (indexTypes.includes((response.headers.get('content-type') ?? '').split(';', 1)[0] ?? '')) {
    const { manifests } = index.parse(body);
    const chosen = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64');
    if (!chosen) throw new RegistryError('no image found in manifest list for architecture "amd64", variant "", OS "linux"');
    return await pullLayers(client, chosen.digest);
  }
  const layers: { digest: string; content: Buffer }[] = [];
  for (const { digest } of manifest.parse(body).layers) {
    const blob = await client(`blobs/${digest}`);
    const content = Buffer.from(await blob.arrayBuffer());
    if (digestOf(content) !== digest) throw new RegistryError(`the content of ${digest} is another one`);
    layers.push({ digest, content });
  }
  return layers;
};
