import type { Container, Pod } from '../controllers/object-types.ts';
import { parseQuantity } from '../controllers/quantity.ts';
import type { Store } from '../kube/store.ts';
import { readConfigMap, readPodField, readSecret, MissingReference } from './references.ts';

export interface EnvironmentContext {
  store: Store;
  addresses: { podIp: string; hostIp: string };
}

type Source = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;

/** A container's variables, in the order in which it declares them. Throws a MissingReference. */
export const resolveEnvironment = (container: Container, pod: Pod, context: EnvironmentContext): Record<string, string> => {
  const environment: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    HOSTNAME: pod.spec?.hostname ?? pod.metadata.name,
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
    KUBERNETES_SERVICE_PORT: '443',
  };
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef ? readConfigMap(context.store, pod, configMapRef) : secretRef ? readSecret(context.store, pod, secretRef) : undefined;
    for (const [key, value] of data ?? []) environment[prefix + key] = value.toString('utf8');
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const resolved = valueFrom && !value ? readSource(valueFrom, container, pod, context) : expand(value ?? '', environment);
    if (resolved !== undefined) environment[name] = resolved;
  }
  return environment;
};

/** `$(NAME)` of a variable that is known; `$$(NAME)` is the text `$(NAME)`, and an unknown one stays as it is. */
export const expand = (text: string, environment: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, escaped: string, name: string | undefined) => (escaped === '$' ? '$' : (environment[name ?? ''] ?? whole)));

const readSource = (source: Source, container: Container, pod: Pod, { store, addresses }: EnvironmentContext): string | undefined => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef) return readPodField(pod, fieldRef.fieldPath, addresses);
  if (resourceFieldRef) return readResource(resourceFieldRef.resource, resourceFieldRef.divisor, container);
  const [reference, data, kind] = configMapKeyRef
    ? [configMapKeyRef, readConfigMap(store, pod, configMapKeyRef), 'ConfigMap']
    : [secretKeyRef, secretKeyRef && readSecret(store, pod, secretKeyRef), 'Secret'];
  const value = reference && data?.get(reference.key);
  if (value) return value.toString('utf8');
  if (!reference || reference.optional) return undefined;
  throw new MissingReference(`couldn't find key ${reference.key} in ${kind} ${pod.metadata.namespace}/${reference.name}`);
};

/** `limits.memory` in units of the divisor, rounded up. */
const readResource = (path: string, divisor: string | undefined, { resources }: Container): string => {
  const [group, name = ''] = path.split('.', 2);
  const amount = parseQuantity((group === 'limits' ? resources?.limits : resources?.requests)?.[name] ?? '0') ?? 0;
  return String(Math.ceil(amount / (parseQuantity(divisor ?? '1') || 1)));
};
