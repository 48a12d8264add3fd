import { isMap, typeName } from '../json.ts';
import { showPath, type Path } from '../problem.ts';
import type { Finding, Rule } from '../rule.ts';
import { fieldsOf } from '../pod-fields.ts';
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
    check: (subject) => freeFields(subject).flatMap(({ path, value, type }) => decode(value, type, path)),
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
const freeFields = ({ inference, tuning }: Subject): { path: Path; value: unknown; type: string }[] => [
  { path: ['inference', 'template'], value: inference?.template, type: 'PodTemplateSpec' },
  ...(inference?.adapters ?? []).map(({ source }, index) => ({ path: ['inference', 'adapters', index, 'source', 'volumeSource'], value: source?.volumeSource, type: volumeSource })),
  { path: ['tuning', 'input', 'volumeSource'], value: tuning?.input?.volumeSource, type: volumeSource },
  { path: ['tuning', 'output', 'volumeSource'], value: tuning?.output?.volumeSource, type: volumeSource },
];

/** A Volume without its name. */
const volumeSource = 'Volume';

const decode = (value: unknown, type: string, path: Path): Finding[] => {
  if (value === undefined || value === null || type === 'any') return [];
  const [, items] = /^\[(.*)\]$/.exec(type) ?? [];
  if (items !== undefined) return Array.isArray(value) ? value.flatMap((item, index) => decode(item, items, [...path, index])) : [wrongType(value, 'list', path)];
  const [, values] = /^\{(.*)\}$/.exec(type) ?? [];
  if (values !== undefined) return isMap(value) ? Object.entries(value).flatMap(([key, inner]) => decode(inner, values, [...path, key])) : [wrongType(value, 'map', path)];
  const fields = fieldsOf(type);
  if (!fields) return (type === 'string' || type === 'boolean' || type === 'number') && typeof value !== type ? [wrongType(value, type, path)] : [];
  if (!isMap(value)) return [wrongType(value, type, path)];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = type === volumeSource && key === 'name' ? undefined : fields.get(key.toLowerCase());
    return known === undefined ? [unknownField(key, [...path, key])] : decode(inner, known, [...path, key]);
  });
};

const unknownField = (key: string, path: Path): Finding => ({ path, message: `json: unknown field ${JSON.stringify(key)}`, fix: 'Correct its name: the webhook refuses what it does not know here.' });

const wrongType = (value: unknown, wanted: string, path: Path): Finding => ({
  path,
  message: `json: cannot unmarshal ${typeName(value).replace('integer', 'number').replace('boolean', 'bool')} into Go struct field ${showPath(path)} of type ${wanted.replace('boolean', 'bool')}`,
  fix: `Make it a ${wanted}.`,
});
