import type { Environment } from './environment.ts';
import type { JudgementFacts } from './facts.ts';
import { quote } from './go-text.ts';
import { isMap, text, type JsonMap } from './json.ts';
import type { Path, RuleSource } from './problem.ts';
import type { Finding, Rule } from './rule.ts';
import { rules } from './rules/index.ts';
import { admit } from './schema.ts';
import { createSubject, type Subject } from './subject.ts';
import { toView } from './view.ts';
import { apiVersions, metadataSchema, workspaceSchemas, type ApiVersion } from './workspace-schema.ts';

/** A rule that a document breaks. */
export interface Broken {
  rule: Rule;
  /** Whose rule it is for a document of this version. */
  source: RuleSource;
  finding: Finding;
}

/** Every rule that a Workspace breaks, in the order of the rules. With `stored` it is an update of that one. */
export const evaluate = (document: JsonMap, environment: Environment, facts: JudgementFacts, stored?: JsonMap): Broken[] => {
  const version = apiVersions.find((known) => known === document['apiVersion']);
  if (version === undefined || document['kind'] !== 'Workspace') return [unknownKind(document)];
  if (!isMap(document['metadata'])) return [{ rule: metadataRule, source: 'kaito', finding: { path: ['metadata'], message: 'metadata must be a map with a name.', fix: 'Add metadata.name.' } }];
  const subject = admitSubject(document, version, environment, facts, stored);
  const isAsked = ({ on, isForOperatorOnly }: Rule): boolean => (on === 'always' || (on === 'update') === (stored !== undefined)) && !(isForOperatorOnly && !environment.isForOperator);
  const broken = rules.filter(isAsked).flatMap((rule) => rule.check(subject).map((finding): Broken => ({ rule, source: sourceOf(rule, subject), finding })));
  const refusedPaths = broken.filter(({ rule }) => rule.code === 'schema' || rule.code === 'name-invalid').map(({ finding }) => finding.path);
  // What the schema says of a place is enough about it.
  return broken.filter(({ rule, finding }) => rule.stage === 'schema' || !refusedPaths.some((path) => path.every((part, index) => finding.path[index] === part)));
};

/** What KAITO does not ask of this document is asked by this program. */
const sourceOf = ({ source, isNewInV1beta1, isReached }: Rule, subject: Subject): RuleSource =>
  (isNewInV1beta1 && subject.version !== 'kaito.sh/v1beta1') || isReached?.(subject) === false ? 'kaito-ts' : source;

const admitSubject = (written: JsonMap, version: ApiVersion, environment: Environment, facts: JudgementFacts, stored: JsonMap | undefined): Subject => {
  const { document, renamed } = renameVolumes(written);
  const admitted = admit(document, workspaceSchemas[version]);
  const metadata = admit(isMap(document['metadata']) ? document['metadata'] : {}, metadataSchema);
  const json = isMap(admitted.value) ? admitted.value : {};
  const named = isMap(document['metadata']) ? document['metadata'] : {};
  const metadataErrors = metadata.errors.map(({ path, message }) => ({ path: ['metadata', ...path], message: metadataMessage(path, message) }));
  return createSubject({
    document,
    json,
    admitted: { pruned: admitted.pruned, errors: [...metadataErrors, ...admitted.errors] },
    renamed,
    version,
    name: text(named['name']),
    namespace: text(named['namespace']) || environment.namespace,
    environment,
    facts,
    ...(stored === undefined ? {} : { stored: admitStored(stored) }),
  });
};

/** Metadata is read by the API server's decoder rather than by the CRD's schema, which says it in other words. */
const metadataMessage = ([field = '']: Path, message: string): string => {
  const [, found = 'value', wanted = 'string'] = /"(\w+)": .* must be of type (\w+)/.exec(message) ?? [];
  return `cannot unmarshal ${found === 'boolean' ? 'bool' : found === 'integer' ? 'number' : found} into Go struct field ObjectMeta.metadata.${field} of type ${wanted}`;
};

const admitStored = (stored: JsonMap): NonNullable<Subject['stored']> => {
  const version = apiVersions.find((known) => known === stored['apiVersion']) ?? 'kaito.sh/v1beta1';
  const { value } = admit(stored, workspaceSchemas[version]);
  const json = isMap(value) ? value : {};
  return { json, ...toView(json) };
};

/** Documents of KAITO write `volume` where its API has `volumeSource`. */
const renameVolumes = (document: JsonMap): { document: JsonMap; renamed: Path[] } => {
  const renamed: Path[] = [];
  const rename = (value: unknown, path: Path): unknown => {
    if (!isMap(value) || value['volume'] === undefined || value['volumeSource'] !== undefined) return value;
    renamed.push([...path, 'volume']);
    const { volume, ...rest } = value;
    return { ...rest, volumeSource: volume };
  };
  const { inference, tuning } = document;
  const adapters = isMap(inference) && Array.isArray(inference['adapters']) ? inference['adapters'] : undefined;
  const changed: JsonMap = {
    ...document,
    ...(isMap(inference) && adapters ? { inference: { ...inference, adapters: adapters.map((adapter: unknown, index) => (isMap(adapter) && 'source' in adapter ? { ...adapter, source: rename(adapter['source'], ['inference', 'adapters', index, 'source']) } : adapter)) } } : {}),
    ...(isMap(tuning) ? { tuning: { ...tuning, ...('input' in tuning ? { input: rename(tuning['input'], ['tuning', 'input']) } : {}), ...('output' in tuning ? { output: rename(tuning['output'], ['tuning', 'output']) } : {}) } } : {}),
  };
  return { document: changed, renamed };
};

const kindRule: Rule = { code: 'kind-unknown', source: 'kaito', severity: 'error', on: 'always', stage: 'schema', upstream: 'config/crd/bases/kaito.sh_workspaces.yaml#L1', check: () => [] };
const metadataRule: Rule = { ...kindRule, code: 'metadata-missing' };

const unknownKind = (document: JsonMap): Broken => ({
  rule: kindRule,
  source: 'kaito',
  finding: {
    path: apiVersions.some((known) => known === document['apiVersion']) ? ['kind'] : ['apiVersion'],
    message: `no matches for kind ${quote(text(document['kind']))} in version ${quote(text(document['apiVersion']))}`,
    fix: 'Write apiVersion: kaito.sh/v1beta1 and kind: Workspace.',
  },
});

