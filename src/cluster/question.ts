import { UsageError } from '../domain/errors.ts';
import { describeObject } from '../domain/kubernetes.ts';
import type { ApiResource } from './kinds.ts';

/** One thing asked of the API: enough for its path, and for the sentences that tell of its refusal. */
export interface Question {
  /** RBAC's word, as `kubectl auth can-i` takes it. */
  verb: 'get' | 'list' | 'watch' | 'patch' | 'create' | 'delete';
  kind: string;
  resource: ApiResource;
  namespace?: string;
  name?: string;
  /** `log`, `portforward`. */
  subresource?: string;
}

/** `/apis/apps/v1/namespaces/default/deployments/web/log` and its shorter forms. */
export const toPath = ({ resource, namespace, name, subresource }: Question): string =>
  [
    resource.apiVersion.includes('/') ? '/apis' : '/api',
    resource.apiVersion,
    ...(resource.namespaced && namespace !== undefined ? ['namespaces', toSegment('namespace', namespace)] : []),
    resource.plural,
    ...(name === undefined ? [] : [toSegment('name', name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');

/**
 * A name such as `../secrets` must not turn into another path. Kubernetes' own rule for path segments:
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/api/validation/path/name.go
 */
const toSegment = (what: string, value: string): string => {
  if (value === '' || value === '.' || value === '..' || /[/%]/.test(value)) {
    throw new UsageError(`${JSON.stringify(value)} cannot be the ${what} of a Kubernetes object.`, { reason: 'InvalidName' });
  }
  return encodeURIComponent(value);
};

/** `Deployment/web`, or `deployments` where no single object is meant. */
export const describeQuestion = ({ kind, name, resource }: Question): string => (name === undefined ? resource.plural : describeObject({ kind, name }));

/** `patch deployments.apps -n team-a`: the arguments of `kubectl auth can-i` that ask the same. */
export const toCanIArguments = ({ verb, resource, namespace, subresource }: Question): string => {
  const group = resource.apiVersion.includes('/') ? `.${resource.apiVersion.split('/')[0]}` : '';
  const part = subresource === undefined ? '' : ` --subresource ${subresource}`;
  const where = !resource.namespaced ? '' : namespace === undefined ? ' --all-namespaces' : ` -n ${namespace}`;
  return `${verb} ${resource.plural}${group}${part}${where}`;
};
