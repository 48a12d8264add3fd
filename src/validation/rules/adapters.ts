import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { isLabel, subdomainProblems } from './names.ts';
import { imageProblem } from './image-text.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

/** KAITO's limit, on CREATE only: `MaxAdaptersNumber`. */
const adapterCountMax = 10;

type Adapter = NonNullable<Subject['inference']>['adapters'][number];

const each = ({ inference }: Subject, check: (adapter: Adapter, path: (string | number)[]) => Finding[]): Finding[] =>
  (inference?.adapters ?? []).flatMap((adapter, index) => check(adapter, ['inference', 'adapters', index]));

const sourceCount = ({ source }: Adapter): number => [(source?.urls.length ?? 0) > 0, source?.volumeSource !== undefined, (source?.image ?? '') !== ''].filter(Boolean).length;

const sourceFix = 'Give the adapter one image, or one volumeSource.';

/** As Go's ParseFloat, apart from underscores; undefined when it is none. */
const parseStrength = (text: string): number | undefined => {
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text);
  const [, sign = '', whole = '', fraction = '', exponent] = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i.exec(text) ?? [];
  if (exponent === undefined || whole + fraction === '') return undefined;
  return (sign === '-' ? -1 : 1) * Number.parseInt(whole + fraction, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
};

export const adapterRules: readonly Rule[] = [
  {
    code: 'adapter-without-source',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'panic',
    upstream: `${workspaceValidation}#L919`,
    check: (subject) => each(subject, ({ source }, path) => (source ? [] : [{ path, message: 'The adapter has no source, and the webhook crashes on it.', fix: `Add source with a name. ${sourceFix}` }])),
  },
  {
    code: 'adapter-count',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L876`,
    check: ({ inference }) =>
      inference && inference.adapters.length > adapterCountMax
        ? [{ path: ['inference', 'adapters', adapterCountMax], ...generic(`Number of Adapters exceeds the maximum limit, maximum of ${adapterCountMax} allowed`, ''), fix: `Keep at most ${adapterCountMax}.` }]
        : [],
  },
  {
    code: 'adapter-name-twice',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L917`,
    check: (subject) => {
      const seen = new Set<string>();
      return each(subject, ({ source }, path) => {
        if (!source) return [];
        const isTwice = seen.has(source.name);
        seen.add(source.name);
        return isTwice ? [{ path: [...path, 'source', 'name'], ...generic(`Duplicate adapter source name found: ${source.name}`, ''), fix: 'Give each adapter a name of its own.' }] : [];
      });
    },
  },
  ...onUpdate('adapter-name-missing', 'L248', ({ source }, path) =>
    source?.name === '' ? [{ path: [...path, 'source', 'name'], ...missingField('inference.Name of Adapter field must be specified'), fix: 'Add a name: the adapter is served under it.' }] : [],
  ),
  ...onUpdate('adapter-name-invalid', 'L248', ({ source }, path) =>
    source && source.name !== '' ? subdomainProblems(source.name).map((text) => ({ path: [...path, 'source', 'name'], ...invalidValue(text, 'inference.adapters.source.name'), fix: 'Use lower-case letters, digits and -.' })) : [],
  ),
  ...onUpdate('adapter-source-count', 'L248', (adapter, path) =>
    adapter.source && sourceCount(adapter) !== 1 ? [{ path: [...path, 'source'], ...generic('Exactly one of URLs, Volume, or Image must be specified', 'inference.Adapters.Image', 'inference.Adapters.URLs', 'inference.Adapters.Volume'), fix: sourceFix }] : [],
  ),
  ...onUpdate('adapter-strength-invalid', 'L248', ({ source, strength }, path) => {
    if (strength === undefined || !source) return [];
    const value = parseStrength(strength);
    const told = (message: string): Finding[] => [{ path: [...path, 'strength'], ...generic(message, 'inference.adapter'), fix: 'Write a number from 0 to 1, in quotes.' }];
    if (value === undefined) return told(`Invalid strength value for Adapter '${source.name}': strconv.ParseFloat: parsing ${JSON.stringify(strength)}: invalid syntax`);
    return value < 0 || value > 1 ? told(`Strength value for Adapter '${source.name}' must be between 0 and 1`) : [];
  }),
  {
    code: 'adapter-urls',
    source: 'kaito-ts',
    severity: 'error',
    on: 'always',
    upstream: 'pkg/workspace/inference/preset_inferences.go#L886',
    check: (subject) => each(subject, (adapter, path) => (adapter.source && adapter.source.urls.length > 0 && sourceCount(adapter) === 1 ? [{ path: [...path, 'source', 'urls'], message: 'An adapter is not downloaded from URLs: the operator would pull an image without a name.', fix: sourceFix }] : [])),
  },
  {
    code: 'adapter-image-invalid',
    source: 'kaito-ts',
    severity: 'error',
    on: 'always',
    upstream: 'https://github.com/distribution/reference/blob/v0.6.0/reference.go',
    check: (subject) =>
      each(subject, ({ source }, path) => {
        const problem = source && source.image !== '' ? imageProblem(source.image) : undefined;
        return problem === undefined ? [] : [{ path: [...path, 'source', 'image'], message: `Unable to parse the image reference: ${problem}`, fix: 'Write registry/repository:tag, in lower case.' }];
      }),
  },
  {
    code: 'adapter-name-no-label',
    source: 'kaito-ts',
    severity: 'error',
    on: 'always',
    upstream: 'pkg/workspace/inference/preset_inferences.go#L886',
    check: (subject) =>
      each(subject, ({ source }, path) =>
        // What is no subdomain has been told by the rule above.
        source && subdomainProblems(source.name).length === 0 && !isLabel(`adapter-volume-${source.name}`)
          ? [{ path: [...path, 'source', 'name'], message: `Containers and volumes are named after the adapter, and cannot be named after ${JSON.stringify(source.name)}.`, fix: 'Use at most 48 lower-case letters, digits and -, without dots.' }]
          : [],
      ),
  },
];

/** KAITO asks these on UPDATE only, and lets anything through on CREATE; what is wrong is wrong then too, and is our word. */
function onUpdate(code: string, line: string, check: (adapter: Adapter, path: (string | number)[]) => Finding[]): Rule[] {
  const upstream = `${workspaceValidation}#${line}`;
  const checkAll = (subject: Subject): Finding[] => each(subject, check);
  return [
    { code, source: 'kaito', severity: 'error', on: 'update', stage: 'webhook', upstream, check: checkAll },
    { code, source: 'kaito-ts', severity: 'error', on: 'create', upstream, check: checkAll },
  ];
}
