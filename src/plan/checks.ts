import { label, managedBy } from '../domain/annotations.ts';
import { AccessError, ConflictError, PreflightError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Check } from '../domain/plan.ts';

/** An image that nothing of this workspace has pulled yet. */
export interface NewImage {
  image: string;
  /** With the credentials to pull it. */
  secretNames: readonly string[];
}

/** What must hold before anything is written; the first refusal decides the exit code, and all of them are told. `isNeeded` tells by `create jobs.batch`. */
export const judgePermissions = ({ permissions, target: { namespace } }: Facts, isNeeded: (what: string) => boolean = () => true): Check => {
  const needed = permissions.filter(({ what }) => isNeeded(what));
  const refused = needed.filter(({ isAllowed }) => !isAllowed);
  if (refused.length === 0) return { what: 'permissions', verdict: 'passed', fact: needed.map(({ what }) => what).join(', ') };
  throw new AccessError(`You may not do in namespace ${namespace} what this needs.`, {
    reason: 'Forbidden',
    fact: refused.map(({ what, reason }) => `${what}: no${reason ? ` (${reason})` : ''}`).join('\n'),
    hints: [...refused.map(({ what, isClusterWide }) => `kubectl auth can-i ${what}${isClusterWide ? '' : ` -n ${namespace}`}`), 'Ask the administrator of the cluster for these permissions'],
  });
};

/** KAITO's operator makes objects of the same names, and would fight over them. */
export const refuseForeignWorkloads = (name: string, { existing, target }: Facts): void => {
  const foreign = existing.find(({ kind, metadata }) => ['Job', 'Deployment', 'StatefulSet'].includes(kind) && metadata.name === name && metadata.labels?.[label.managedBy] !== managedBy);
  if (!foreign) return;
  throw new ConflictError(`${foreign.kind}/${name} in namespace ${target.namespace} was not made by kaito-ts.`, {
    reason: 'WorkloadNotOurs',
    fact: `It has no label ${label.managedBy}=${managedBy}: a KAITO operator or somebody else made it.`,
    hints: ['Choose another name.', `kubectl get ${foreign.kind.toLowerCase()} ${name} -n ${target.namespace} -o yaml`],
  });
};

export const judgeImageSecret = (name: string, facts: Facts, flag: string): Check => {
  const { namespace } = facts.target;
  const secret = facts.secrets[name];
  if (secret === undefined || secret === 'missing') {
    throw new PreflightError(`Secret ${name} does not exist in namespace ${namespace}.`, {
      reason: 'SecretNotFound',
      hints: [`kubectl create secret docker-registry ${name} -n ${namespace} --docker-server=<registry> --docker-username=<user> --docker-password=<password>`, `Or name another with ${flag}.`],
    });
  }
  if (secret.type !== 'kubernetes.io/dockerconfigjson' || !secret.keys.includes('.dockerconfigjson')) {
    throw new PreflightError(`Secret ${name} holds no registry credentials.`, {
      reason: 'SecretOfWrongType',
      fact: `Its type is ${secret.type}, and kubernetes.io/dockerconfigjson is needed.`,
      hints: [`kubectl create secret docker-registry <name> -n ${namespace} --docker-server=<registry> --docker-username=<user> --docker-password=<password>`],
    });
  }
  return { what: 'secret', verdict: 'passed', fact: `${name} holds registry credentials` };
};

export const judgeTokenSecret = (name: string, facts: Facts): Check => {
  const { namespace } = facts.target;
  const secret = facts.secrets[name];
  if (secret === undefined || secret === 'missing' || !secret.keys.includes('HF_TOKEN')) {
    throw new PreflightError(`Secret ${name} ${secret === undefined || secret === 'missing' ? `does not exist in namespace ${namespace}` : 'has no key HF_TOKEN'}.`, {
      reason: 'SecretNotFound',
      hints: [`kubectl create secret generic ${name} -n ${namespace} --from-literal=HF_TOKEN=<token>`],
    });
  }
  return { what: 'access', verdict: 'passed', fact: `Secret ${name} has HF_TOKEN` };
};

/** `made` is what the plan makes itself, before anything needs it. */
export const refuseMissingReferences = ({ missing = [], target: { namespace } }: Facts, made: readonly KubernetesObject[]): void => {
  const absent = missing.filter(({ kind, name }) => !made.some((object) => object.kind === kind && object.metadata.name === name));
  const [first] = absent;
  if (!first) return;
  throw new PreflightError(`${absent.map(({ kind, name }) => `${kind}/${name}`).join(' and ')} ${absent.length === 1 ? 'does' : 'do'} not exist in namespace ${namespace}.`, {
    reason: `${first.kind}NotFound`,
    fact: 'A pod that mounts what is not there never starts, and its GPU nodes cost money meanwhile.',
    hints: absent.map(({ kind }) => `kubectl get ${kind.toLowerCase()} -n ${namespace}   # what there is`),
  });
};

export const judgeStorage = (facts: Facts, storageClass: string | undefined): Check => {
  if (storageClass === undefined) {
    if (facts.defaultStorageClass !== undefined) return { what: 'storage', verdict: 'passed', fact: `StorageClass ${facts.defaultStorageClass} is the default` };
    if (facts.storageClasses.length === 0) return { what: 'storage', verdict: 'unknown', fact: 'no StorageClass can be seen' };
    throw new PreflightError('The cluster has no default StorageClass, so the claim for the adapter would wait for ever.', {
      reason: 'NoDefaultStorageClass',
      fact: `There are: ${facts.storageClasses.join(', ')}.`,
      hints: ['Name one with --storage-class, or push the adapter to a registry with --output-image.'],
    });
  }
  if (facts.storageClasses.length > 0 && !facts.storageClasses.includes(storageClass)) {
    throw new PreflightError(`StorageClass ${storageClass} does not exist.`, { reason: 'StorageClassNotFound', fact: `There are: ${facts.storageClasses.join(', ')}.` });
  }
  return { what: 'storage', verdict: 'passed', fact: `StorageClass ${storageClass}` };
};

export const judgePush = (image: string, facts: Facts, secret: string | undefined): Check => {
  const { push } = facts;
  if (!push) return { what: 'push', verdict: 'unknown', fact: `whether ${image} can be pushed was not tried` };
  if (push.canPush) return { what: 'push', verdict: 'passed', fact: `the registry accepts a push to ${image}` };
  if (push.reason === 'unreachable') return { what: 'push', verdict: 'unknown', fact: `the registry of ${image} cannot be reached from here: ${push.fact}` };
  throw new PreflightError(`The registry refuses a push to ${image}.`, {
    reason: 'PushRefused',
    fact: push.fact,
    hints: [secret === undefined ? 'Name the Secret with the credentials: --output-image-secret <name>' : `Check the credentials in Secret ${secret}: they must allow pushing.`],
  });
};

/** An image that is not there would take down the server that mounts it, or hold a GPU for a Job that never starts. `flag` names the Secret. */
export const judgePull = ({ image, secretNames }: NewImage, facts: Facts, flag: string): Check => {
  const pull = facts.pulls?.[image];
  if (!pull) return { what: 'pull', verdict: 'unknown', fact: `whether ${image} can be pulled was not tried` };
  if (pull.canPull) return { what: 'pull', verdict: 'passed', fact: `the registry has ${image}` };
  if (pull.reason === 'unreachable') return { what: 'pull', verdict: 'unknown', fact: `the registry of ${image} cannot be reached from here: ${pull.fact}` };
  // A container pulls it, and not the kubelet: what a node may pull, as from a registry that is attached to AKS, does not help.
  throw new PreflightError(pull.reason === 'missing' ? `Image ${image} does not exist.` : `The registry refuses a pull of ${image}.`, {
    reason: pull.reason === 'missing' ? 'ImageNotFound' : 'PullRefused',
    fact: pull.fact,
    hints: [
      ...(pull.reason === 'missing' ? ['Check the name and the tag of the image.'] : []),
      secretNames.length === 0 ? `If it is private, name the Secret with the credentials: ${flag} <name>` : `Check the credentials in Secret ${secretNames.join(' and ')}: they must allow pulling.`,
    ],
  });
};
