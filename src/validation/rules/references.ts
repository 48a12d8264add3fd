import { blobDriver, isStreamed } from './annotations.ts';
import type { JudgementFacts, Lookup, SecretContent } from '../facts.ts';
import { isMap, text } from '../json.ts';
import type { Path } from '../problem.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Subject } from '../subject.ts';

interface SecretReference {
  name: string;
  path: Path;
  isToken?: true;
}

const secretsOf = ({ inference, tuning }: Subject): SecretReference[] =>
  [
    { name: inference?.preset?.modelAccessSecret ?? '', path: ['inference', 'preset', 'presetOptions', 'modelAccessSecret'], isToken: true as const },
    ...(inference?.adapters ?? []).flatMap(({ source }, index) => (source?.imagePullSecrets ?? []).map((name, secret) => ({ name, path: ['inference', 'adapters', index, 'source', 'imagePullSecrets', secret] }))),
    ...(tuning?.input?.imagePullSecrets ?? []).map((name, secret) => ({ name, path: ['tuning', 'input', 'imagePullSecrets', secret] })),
    { name: tuning?.output?.imagePushSecret ?? '', path: ['tuning', 'output', 'imagePushSecret'] },
  ].filter(({ name }) => name !== '');

/** Volumes that a storage class makes for the pod alone, by the fields that lead there. */
const storageClassesOf = ({ inference, tuning }: Subject): { name: string; path: Path }[] =>
  [
    ...(inference?.adapters ?? []).map(({ source }, index) => ({ volume: source?.volumeSource, path: ['inference', 'adapters', index, 'source', 'volumeSource'] })),
    { volume: tuning?.input?.volumeSource, path: ['tuning', 'input', 'volumeSource'] },
    { volume: tuning?.output?.volumeSource, path: ['tuning', 'output', 'volumeSource'] },
  ].flatMap(({ volume, path }) => {
    const steps = ['ephemeral', 'volumeClaimTemplate', 'spec', 'storageClassName'];
    const name = text(steps.reduce<unknown>((value, step) => (isMap(value) ? value[step] : undefined), volume));
    return name === '' ? [] : [{ name, path: [...path, ...steps] }];
  });

const configMapsOf = ({ inference, tuning }: Subject): { name: string; path: Path }[] =>
  [
    { name: inference?.config ?? '', path: ['inference', 'config'] },
    { name: tuning?.config ?? '', path: ['tuning', 'config'] },
  ].filter(({ name }) => name !== '');

const unknown = (kind: string, name: string, path: Path, what: string): Finding => ({ path, message: `${kind} ${name} was not given, so ${what}.`, fix: `Add ${kind} ${name} to the files, or ask the cluster with --cluster-facts.` });

const createSecret = (name: string, namespace: string, isToken: boolean): string =>
  isToken ? `kubectl create secret generic ${name} -n ${namespace} --from-literal=HF_TOKEN=<token>` : `kubectl create secret docker-registry ${name} -n ${namespace} --docker-server=<registry> --docker-username=<user> --docker-password=<password>`;

const secretProblem = ({ type, keys }: SecretContent, isToken: boolean): string | undefined => {
  if (isToken) return keys.includes('HF_TOKEN') ? undefined : 'has no key HF_TOKEN';
  return type === 'kubernetes.io/dockerconfigjson' && keys.includes('.dockerconfigjson') ? undefined : `holds no registry credentials: its type is ${type}, and kubernetes.io/dockerconfigjson is needed`;
};

const eachSecret = (subject: Subject, check: (found: ReturnType<JudgementFacts['findSecret']>, reference: SecretReference) => Finding[]): Finding[] =>
  secretsOf(subject).flatMap((reference) => check(subject.facts.findSecret(subject.namespace, reference.name), reference));

const rule = (code: string, severity: Rule['severity'], check: Rule['check']): Rule => ({ code, source: 'kaito-ts', severity, on: 'always', check });

/** Objects that a Workspace names: whether they are there, and what could not be told. */
export const referenceRules: readonly Rule[] = [
  rule('config-map-unknown', 'warning', (subject) =>
    configMapsOf(subject).flatMap(({ name, path }) => (subject.facts.findConfigMap(subject.namespace, name).kind === 'unknown' ? [unknown('ConfigMap', name, path, 'what it says was not judged')] : [])),
  ),
  rule('secret-unknown', 'warning', (subject) => eachSecret(subject, ({ kind }, { name, path }) => (kind === 'unknown' ? [unknown('Secret', name, path, 'whether it exists and holds what is needed is unknown')] : []))),
  rule('secret-missing', 'error', (subject) =>
    eachSecret(subject, ({ kind }, { name, path, isToken = false }) => (kind === 'missing' ? [{ path, message: `Secret ${name} does not exist in namespace ${subject.namespace}.`, fix: createSecret(name, subject.namespace, isToken) }] : [])),
  ),
  rule('secret-wrong', 'error', (subject) =>
    eachSecret(subject, (found, { name, path, isToken = false }) => {
      const problem = found.kind === 'found' ? secretProblem(found.value, isToken) : undefined;
      return problem === undefined ? [] : [{ path, message: `Secret ${name} ${problem}.`, fix: createSecret(name, subject.namespace, isToken) }];
    }),
  ),
  rule('csi-driver-unknown', 'warning', (subject) => (isStreamed(subject) && subject.environment.cloud === 'azure' && subject.facts.findCsiDriver(blobDriver).kind === 'unknown' ? [unknown('CSIDriver', blobDriver, ['metadata'], 'whether weights can be streamed is unknown')] : [])),
  rule('storage-class-unknown', 'warning', (subject) => eachStorageClass(subject, 'unknown', (name, path) => unknown('StorageClass', name, path, 'whether it exists is unknown'))),
  rule('storage-class-missing', 'error', (subject) => eachStorageClass(subject, 'missing', (name, path) => ({ path, message: `StorageClass ${name} does not exist, and the volume would never be made.`, fix: 'Name one of kubectl get storageclasses.' }))),
];

const eachStorageClass = (subject: Subject, kind: Lookup<true>['kind'], tell: (name: string, path: Path) => Finding): Finding[] =>
  storageClassesOf(subject).flatMap(({ name, path }) => (subject.facts.findStorageClass(name).kind === kind ? [tell(name, path)] : []));

const secretKeys = new Set(['modelAccessSecret', 'imagePushSecret', 'imagePullSecrets']);

/** Every Secret that a document names, for who goes and reads them. */
export const namedSecrets = (value: unknown, key = ''): string[] => {
  if (typeof value === 'string') return secretKeys.has(key) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => namedSecrets(item, key));
  return isMap(value) ? Object.entries(value).flatMap(([name, inner]) => namedSecrets(inner, name)) : [];
};
