import { showPath, type Path } from '../problem.ts';
import type { Rule } from '../rule.ts';
import { decode } from '../decode.ts';
import type { Subject } from '../subject.ts';

const crd = 'config/crd/bases/kaito.sh_workspaces.yaml#L863';
const webhookDecoder = 'pkg/workspace/webhooks/webhooks.go#L41';

export const schemaRules: readonly Rule[] = [
  {
    code: 'schema',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'schema',
    upstream: crd,
    check: ({ admitted }) => admitted.errors.map(({ path, message }) => ({ path, message, fix: fixOf(message, path) })),
  },
  {
    code: 'field-unknown',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'always',
    upstream: crd,
    check: ({ admitted }) => admitted.pruned.map((path) => ({ path, message: `unknown field "${showPath(path)}": the API server drops it.`, fix: misplaced.get(showPath(path)) ?? 'Correct its name, or leave it out.' })),
  },
  {
    code: 'volume-key',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'always',
    upstream: 'api/v1beta1/workspace_types.go#L161',
    check: ({ renamed }) => renamed.map((path) => ({ path, message: 'The operator drops `volume`, a key that only documents have; it is read here as `volumeSource`.', fix: 'Write volumeSource.' })),
  },
  {
    code: 'field-not-decoded',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'decode',
    upstream: webhookDecoder,
    check: (subject) => freeFields(subject).flatMap(({ path, value, type, owner }) => decode(value, type, { path, owner, fields: path.filter((part) => typeof part === 'string') })),
  },
];

/** Where documents of all ages, KAITO's own among them, write what belongs elsewhere. */
const misplaced: ReadonlyMap<string, string> = new Map([
  ['spec', 'A Workspace has no spec: move what is in it beside metadata.'],
  ['resource.mig', 'Write partition: {mode: mig, profile: <profile>}.'],
  ['inference.preset.modelAccessSecret', 'Write it below presetOptions.'],
  ['tuning.preset.modelAccessSecret', 'Leave it out: the weights of a tuning come from a registry.'],
]);

const fixOf = (message: string, path: Path): string => {
  const [, supported] = /supported values: (.*)$/.exec(message) ?? [];
  const [, type] = / of type (\w+)/.exec(message) ?? [];
  const field = String(path.at(-1) ?? 'document');
  if (supported !== undefined) return `Choose one of: ${supported.replaceAll('"', '')}.`;
  if (type === 'string') return `Put quotes around the value of ${field}.`;
  if (type !== undefined) return `Make ${field} ${type === 'integer' ? 'a whole number without quotes' : type === 'array' ? 'a list' : type === 'object' ? 'a map' : `of type ${type}`}.`;
  if (message.includes('Required value')) return requiredFix[field] ?? `Add ${showPath(path)}.`;
  return `Correct ${field}.`;
};

const requiredFix: Readonly<Record<string, string>> = {
  labelSelector: 'Add labelSelector with matchLabels, for example apps: <name>.',
  input: 'Add tuning.input with one of urls, image and volumeSource.',
  output: 'Add tuning.output with an image and imagePushSecret, or a volumeSource.',
};

/** Parts that the CRD does not look into, and the webhook's decoder does, strictly. */
const freeFields = ({ inference, tuning }: Subject): { path: Path; value: unknown; type: string; owner: string }[] => [
  { path: ['inference', 'template'], value: inference?.template, type: 'PodTemplateSpec', owner: 'InferenceSpec' },
  ...(inference?.adapters ?? []).map(({ source }, index) => ({ path: ['inference', 'adapters', index, 'source', 'volumeSource'], value: source?.volumeSource, type: 'VolumeSource', owner: 'DataSource' })),
  { path: ['tuning', 'input', 'volumeSource'], value: tuning?.input?.volumeSource, type: 'VolumeSource', owner: 'DataSource' },
  { path: ['tuning', 'output', 'volumeSource'], value: tuning?.output?.volumeSource, type: 'VolumeSource', owner: 'DataDestination' },
];
