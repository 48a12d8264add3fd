import { FailedError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Empty for anything that is not text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** As much of an object as every answer of the API has. */
export const isKubernetesObject = (value: unknown): value is KubernetesObject =>
  isRecord(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isRecord(value['metadata']);

export const toObject = (body: unknown): KubernetesObject => {
  if (isKubernetesObject(body)) return body;
  throw new FailedError('The API server answered with something that is not a Kubernetes object.', { reason: 'NotKubernetes' });
};
