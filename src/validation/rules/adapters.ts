import { quote } from '../go-text.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { isPresetName, type Subject } from '../subject.ts';
import { urlProblem } from './data-url.ts';
import { imageProblem } from './image-text.ts';
import { asOne, isLabel, subdomainProblems } from './names.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

/** KAITO's limit, on CREATE only: `MaxAdaptersNumber`. */
const adapterCountMax = 10;

type Adapter = NonNullable<Subject['inference']>['adapters'][number];

/** Nothing is asked about the adapters of an update that makes a server of a tuning: it is refused for that. */
const each = ({ inference, stored }: Subject, check: (adapter: Adapter, path: (string | number)[]) => Finding[]): Finding[] =>
  stored && !stored.inference ? [] : (inference?.adapters ?? []).flatMap((adapter, index) => check(adapter, ['inference', 'adapters', index]));

/** A wrong name of the model is all that KAITO tells of a new server. */
const areAdaptersReached = ({ inference, facts, stored }: Subject): boolean => stored !== undefined || !inference?.preset || isPresetName(facts.presets, inference.preset.name);

const sourceCount = ({ source }: Adapter): number => [(source?.urls.length ?? 0) > 0, source?.volumeSource !== undefined, (source?.image ?? '') !== ''].filter(Boolean).length;

const sourceFix = 'Give the adapter one image, or one volumeSource.';

/** As Go's ParseFloat; undefined when it is none. Underscores may stand between digits. */
const parseStrength = (text: string): number | undefined => {
  if (/^nan$/i.test(text)) return Number.NaN;
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  const digits = text.replaceAll(/(?<=[\da-f]|0x)_(?=[\da-f])/gi, '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(digits)) return Number(digits);
  const [, sign = '', whole = '', fraction = '', exponent] = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i.exec(digits) ?? [];
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
    isReached: areAdaptersReached,
    check: (subject) => each(subject, ({ source }, path) => (source ? [] : [{ path, message: 'The adapter has no source, and the webhook crashes on it.', fix: `Add source with a name. ${sourceFix}` }])),
  },
  {
    code: 'adapter-count',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L876`,
    isReached: areAdaptersReached,
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
    isReached: areAdaptersReached,
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
    source && source.name !== '' ? asOne(subdomainProblems(source.name)).map((text) => ({ path: [...path, 'source', 'name'], ...invalidValue(text, 'inference.adapters.source.name'), fix: 'Use lower-case letters, digits and -.' })) : [],
  ),
  ...onUpdate('adapter-source-count', 'L248', (adapter, path) =>
    adapter.source && sourceCount(adapter) !== 1 ? [{ path: [...path, 'source'], ...generic('Exactly one of URLs, Volume, or Image must be specified', 'inference.Adapters.Image', 'inference.Adapters.URLs', 'inference.Adapters.Volume'), fix: sourceFix }] : [],
  ),
  ...onUpdate('adapter-strength-invalid', 'L248', ({ source, strength }, path) => {
    if (strength === undefined || !source) return [];
    const value = parseStrength(strength);
    const told = (message: string): Finding[] => [{ path: [...path, 'strength'], ...generic(message, 'inference.adapter'), fix: 'Write a number from 0 to 1, in quotes.' }];
    const unread = (reason: string): Finding[] => told(`Invalid strength value for Adapter '${source.name}': strconv.ParseFloat: parsing ${quote(strength)}: ${reason}`);
    if (value === undefined) return unread('invalid syntax');
    const isTooLarge = Math.abs(value) === Infinity && /\d/.test(strength);
    return [...(isTooLarge ? unread('value out of range') : []), ...(value < 0 || value > 1 ? told(`Strength value for Adapter '${source.name}' must be between 0 and 1`) : [])];
  }),
  ...onUpdate('adapter-urls', 'L248', (adapter, path) =>
    adapter.source && adapter.source.urls.length > 0 ? [{ path: [...path, 'source', 'urls'], ...generic('URLs are not supported as adapter source', 'inference.adapters.source.urls'), fix: sourceFix }] : [],
  ),
  ...onUpdate('adapter-image-invalid', 'L248', ({ source }, path) => {
    const problem = source && source.image !== '' ? imageProblem(source.image) : undefined;
    return problem === undefined ? [] : [{ path: [...path, 'source', 'image'], ...invalidValue(`Unable to parse input image reference: ${problem}`, 'inference.Adapters.Image'), fix: 'Write registry/repository:tag, in lower case.' }];
  }),
  {
    code: 'adapter-without-image',
    source: 'kaito',
    severity: 'error',
    on: 'update',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L248`,
    check: (subject) =>
      each(subject, ({ source }, path) => (source && source.image === '' && source.volumeSource === undefined ? [{ path: [...path, 'source'], ...generic('Either Image or Volume must be specified for adapter source', 'inference.adapters.source'), fix: sourceFix }] : [])),
  },
  {
    code: 'adapter-url-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'update',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L383`,
    check: (subject) =>
      each(subject, ({ source }, path) =>
        (source?.urls ?? []).flatMap((url, index) => {
          const problem = urlProblem(url);
          return problem === undefined ? [] : [{ path: [...path, 'source', 'urls', index], ...invalidValue(problem, 'inference.Adapters.URLs'), fix: sourceFix }];
        }),
      ),
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
