import { compress, packFiles } from './archive.ts';
import { isScript, listFolder } from './container-script.ts';
import { readCredentials } from './docker-config.ts';
import { createRegistryClient, RegistryError } from './oci-client.ts';
import { buildImage, digestOf, type Image, pushImage } from './oci-image.ts';
import { type ImageReference, parseReference } from './oci-reference.ts';
import type { Program, ProgramContext } from './program.ts';

const needed = ['fine_tuning_completed.txt', 'adapter_config.json', 'adapter_model.safetensors'];

/** Seconds between one try and the next; there is none after the last. */
const pausesSeconds = [5, 15, 30, 60, undefined];

/** Pushes the adapter in OUTPUT_DIR to OUTPUT_IMAGE, as the script that it stands for does with oras. */
export const push: Program = {
  matches: (container) => isScript(container, /\/oras(?:[:@]|$)/, ['OUTPUT_DIR', 'OUTPUT_IMAGE']),
  async run(context) {
    const { env, files, stdout, stderr, clock } = context;
    const folder = (env['OUTPUT_DIR'] ?? '').replace(/\/$/, '');
    const missing = needed.find((name) => (files.read(`${folder}/${name}`)?.length ?? 0) === 0);
    if (missing !== undefined) {
      stderr(`Training has left no ${missing} in ${folder}.\n`);
      return 1;
    }
    const target = env['OUTPUT_IMAGE'] ?? '';
    if (target === '') {
      stdout(`The adapter is in ${folder}:\n${listFolder(files, folder, clock.now())}`);
      return 0;
    }
    const reference = parseReference(target);
    if (!reference) {
      stderr(`Error: "${target}": invalid reference\n${target} cannot be pushed.\n`);
      return 1;
    }
    const image = await buildAdapterImage(folder, context);
    return await pushWithRetries(image, { target, reference }, context);
  },
};

/** One layer with the adapter in /data, which is where KAITO's servers look for it. */
const buildAdapterImage = async (folder: string, { env, files, stdout, clock }: ProgramContext): Promise<Image> => {
  const names = needed.slice(1);
  const archive = await packFiles(new Map(names.map((name) => [`data/${name}`, files.read(`${folder}/${name}`) ?? Buffer.alloc(0)])));
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', content: compress(archive), title: 'layer.tar.gz' };
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', content: Buffer.from(JSON.stringify({ rootfs: { diff_ids: [digestOf(archive)] } })) };
  const image = buildImage(config, [layer], { 'org.opencontainers.image.created': clock.now().toISOString(), 'sh.kaito.model.name': env['PRESET_NAME'] ?? '' });
  const short = shorten(digestOf(layer.content));
  stdout(`Uploading ${short} layer.tar.gz\nUploaded  ${short} layer.tar.gz\nPushed [oci-layout] layout:latest\nArtifactType: ${config.mediaType}\nDigest: ${digestOf(image.manifest.content)}\n`);
  return image;
};

const shorten = (digest: string): string => digest.slice('sha256:'.length, 'sha256:'.length + 12);

const pushWithRetries = async (image: Image, { target, reference }: { target: string; reference: ImageReference }, context: ProgramContext): Promise<number> => {
  const { env, files, fetch, stdout, stderr, clock, signal } = context;
  const digest = digestOf(image.manifest.content);
  let refusalCount = 0;
  const credentials = readCredentials(files.read(`${env['HOME'] ?? '/root'}/.docker/config.json`), reference);
  for (const pauseSeconds of pausesSeconds) {
    try {
      const [layer] = image.layers;
      const name = `${shorten(layer ? digestOf(layer.content) : digest)} layer.tar.gz`;
      stdout(`Copying ${name}\n`);
      const client = createRegistryClient(reference, { fetch: (input, init) => fetch(input, { ...init, signal }), credentials, actions: 'pull,push' });
      await pushImage(client, image, reference.target);
      stdout(`Copied  ${name}\nCopied [oci-layout] layout:latest => [registry] ${target}\nDigest: ${digest}\nPushed ${target}@${digest}\n`);
      files.write(env['TERMINATION_LOG'] ?? '/dev/termination-log', `digest=${digest}`);
      return 0;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      stderr(`Error: failed to copy: ${error.message}\n`);
      refusalCount = /response status code 40[13]/.test(error.message) ? refusalCount + 1 : 0;
    }
    if (pauseSeconds === undefined || refusalCount === 2) break;
    stderr(`The push failed; trying again in ${pauseSeconds} seconds.\n`);
    await clock.sleep(pauseSeconds * 1000, signal);
  }
  stderr(`${target} cannot be pushed.\n`);
  return 1;
};
