import { unpackFiles } from './archive.ts';
import { isScript, listFolder } from './container-script.ts';
import { readCredentials } from './docker-config.ts';
import { createRegistryClient, type Credentials, RegistryError } from './oci-client.ts';
import { pullLayers } from './oci-image.ts';
import { type ImageReference, parseReference } from './oci-reference.ts';
import type { Program, ProgramContext } from './program.ts';

/** Copies the folder /data of the image IMAGE_REF to DESTINATION, as the script that it stands for does with skopeo. */
export const puller: Program = {
  matches: (container) => isScript(container, /\/skopeo(?:[:@]|$)/, ['IMAGE_REF', 'DESTINATION']),
  async run(context) {
    const { env, stdout, stderr, files, clock } = context;
    const image = env['IMAGE_REF'] ?? '';
    const destination = (env['DESTINATION'] ?? '').replace(/\/$/, '');
    const reference = parseReference(image);
    const layers = reference ? await pull(image, reference, context) : undefined;
    if (!reference) stderr(`time="${clock.now().toISOString()}" level=fatal msg="Invalid source name docker://${image}: invalid reference format"\n`);
    if (!layers) {
      stderr(`${image} cannot be pulled.\n`);
      return 1;
    }
    const data = new Map<string, Buffer>();
    for (const { content } of layers) for (const [path, file] of await unpackFiles(content)) if (path.startsWith('data/')) data.set(path.slice('data/'.length), file);
    if (data.size === 0) {
      stderr(`${image} has no folder /data.\n`);
      return 1;
    }
    for (const [path, file] of data) files.write(`${destination}/${path}`, file);
    stdout(`Copied /data of ${image} to ${destination}:\n${listFolder(files, destination, clock.now())}`);
    return 0;
  },
};

type Layers = { digest: string; content: Buffer }[];

/** Without credentials first, then with each of those that are mounted. */
const pull = async (image: string, reference: ImageReference, context: ProgramContext): Promise<Layers | undefined> => {
  const { files, stdout, env } = context;
  const anonymous = await fetchLayers(image, reference, undefined, context);
  if (anonymous) return anonymous;
  for (const path of files.list(`${env['HOME'] ?? '/root'}/.docker/config.d`).filter((name) => name.endsWith('.json'))) {
    stdout(`Trying again with ${path.split('/').at(-1)}.\n`);
    const layers = await fetchLayers(image, reference, readCredentials(files.read(path), reference), context);
    if (layers) return layers;
  }
  return undefined;
};

const fetchLayers = async (image: string, reference: ImageReference, credentials: Credentials | undefined, { fetch, stdout, stderr, clock, signal }: ProgramContext): Promise<Layers | undefined> => {
  const client = createRegistryClient(reference, { fetch: (input, init) => fetch(input, { ...init, signal }), credentials, actions: 'pull' });
  try {
    const layers = await pullLayers(client, reference.target);
    stdout(['Getting image source signatures', ...layers.map(({ digest }) => `Copying blob ${digest}`), 'Writing manifest to image destination'].map((line) => `${line}\n`).join(''));
    return layers;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    stderr(`time="${clock.now().toISOString()}" level=fatal msg=${JSON.stringify(`initializing source docker://${image}: ${error.message}`)}\n`);
    return undefined;
  }
};
