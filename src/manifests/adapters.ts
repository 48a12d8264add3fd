import { UsageError } from '../domain/errors.ts';
import type { Templates } from './files.ts';
import type { ServedAdapter } from './inference.ts';
import { toJsonMap, type Json } from './json.ts';
import { toPullReference } from './pull-reference.ts';
import { resolveTemplate, type Values } from './template.ts';
import { credentialsVolume } from './credentials.ts';

/**
 * How adapters come into the server's pod: each is a folder below `/mnt/adapter`, named as requests name it. Those from an
 * image are brought by an init container, those in a claim are mounted where they are.
 */
export const adapterParts = (adapters: readonly ServedAdapter[], base: Values, templates: Templates): Values => {
  for (const { name } of adapters) checkName(name);
  const pulled = adapters.filter(({ source }) => source.kind === 'image');
  const shared = pulled.length > 0;
  return {
    containers: pulled.map((adapter) => resolveTemplate(templates.template('inference/adapter'), { ...base, adapter: pulledValues(adapter) })),
    mounts: [...(shared ? [{ name: 'adapters', mountPath: folder }] : []), ...adapters.flatMap(claimMount)],
    volumes: [...(shared ? [{ name: 'adapters', emptyDir: {} }] : []), ...adapters.flatMap(volumesOf)],
  };
};

const folder = '/mnt/adapter';

/** It becomes part of a container's and a volume's name, which are shorter than what KAITO lets through. */
const checkName = (name: string): void => {
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= nameLengthMax) return;
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of an adapter.`, {
    reason: 'InvalidName',
    fact: `A name has at most ${nameLengthMax} of the characters a-z, 0-9 and -, and does not start or end with a -.`,
  });
};

/** 63, less what KAITO puts before it in `adapter-volume-<name>`; here it is less. */
const nameLengthMax = 48;

const credentialsOf = (name: string): string => `credentials-${name}`;

const pulledValues = ({ name, source, imagePullSecrets = [] }: ServedAdapter): Values => ({
  name,
  image: source.kind === 'image' ? toPullReference(source.reference, source.digest) : undefined,
  credentialsMount: imagePullSecrets.length === 0 ? undefined : { name: credentialsOf(name), mountPath: '/root/.docker/config.d', readOnly: true },
});

const claimMount = ({ name, source }: ServedAdapter): Json[] => {
  if (source.kind === 'image') return [];
  return [{ name: `adapter-${name}`, mountPath: `${folder}/${name}`, readOnly: true, ...(source.kind === 'volume' || source.path === '' ? {} : { subPath: source.path }) }];
};

const volumesOf = ({ name, source, imagePullSecrets = [] }: ServedAdapter): Json[] => {
  if (source.kind === 'claim') return [{ name: `adapter-${name}`, persistentVolumeClaim: { claimName: source.claimName, readOnly: true } }];
  if (source.kind === 'volume') return [{ name: `adapter-${name}`, ...toJsonMap(source.volumeSource) }];
  return imagePullSecrets.length === 0 ? [] : [credentialsVolume(credentialsOf(name), imagePullSecrets.map((secret) => ({ secret, path: `${secret}.json` })))];
};
