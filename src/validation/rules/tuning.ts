import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { isPresetName, type Subject } from '../subject.ts';
import { urlProblem } from './data-url.ts';
import { imageProblem } from './image-text.ts';
import { presetFix } from './inference.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

const imageFix = 'Write registry/repository:tag, in lower case.';

export const tuningRules: readonly Rule[] = [
  {
    code: 'tuning-method-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L282`,
    check: ({ tuning }) => (tuning && !isMethod(tuning.method) ? [{ path: ['tuning', 'method'], ...invalidValue(tuning.method, 'tuning.Method'), fix: 'Write lora or qlora.' }] : []),
  },
  {
    code: 'tuning-preset-missing',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L282`,
    check: ({ tuning }) => (tuning && !tuning.preset ? [{ path: ['tuning', 'preset'], ...missingField('tuning.Preset'), fix: 'Add preset with the name of a model (kaito-ts presets --tunable).' }] : []),
  },
  {
    code: 'tuning-preset-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L282`,
    check: ({ tuning, facts }) =>
      tuning?.preset && !isPresetName(facts.presets, tuning.preset.name)
        ? [{ path: ['tuning', 'preset', 'name'], ...invalidValue(`Unsupported tuning preset name ${tuning.preset.name}`, 'tuning.presetName'), fix: presetFix(facts.presets, tuning.preset.name, true) }]
        : [],
  },
  {
    code: 'dataset-url-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L383`,
    check: ({ tuning }) =>
      (tuning?.input?.urls ?? []).flatMap((url, index) => {
        const problem = urlProblem(url);
        return problem === undefined ? [] : [{ path: ['tuning', 'input', 'urls', index], ...invalidValue(problem, 'tuning.Input.URLs'), fix: 'Give an http or https address that is reachable from the cluster and is none of its own.' }];
      }),
  },
  {
    code: 'tuning-input-count',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L353`,
    check: ({ tuning }) =>
      tuning?.input && sources(tuning.input).length !== 1
        ? [
            {
              path: ['tuning', 'input'],
              ...generic('Exactly one of URLs, Volume, or Image must be specified', 'tuning.Input.Image', 'tuning.Input.URLs', 'tuning.Input.Volume'),
              fix: sources(tuning.input).length === 0 ? 'Add one of urls, image and volumeSource.' : `Keep one of ${sources(tuning.input).join(', ')}.`,
            },
          ]
        : [],
  },
  {
    code: 'tuning-output-count',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L428`,
    check: ({ tuning }) => {
      const output = tuning?.output;
      if (!output || (output.image !== '') !== (output.volumeSource !== undefined)) return [];
      return [{ path: ['tuning', 'output'], ...missingField('tuning.Output.Exactly one of Volume or Image must be specified'), fix: output.image === '' ? 'Add an image with imagePushSecret, or a volumeSource.' : 'Keep one of image and volumeSource.' }];
    },
  },
  {
    code: 'push-secret-missing',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    // A registry may take pushes without a password, and is asked before training.
    isForOperatorOnly: true,
    upstream: `${workspaceValidation}#L428`,
    check: ({ tuning }) =>
      tuning?.output && tuning.output.image !== '' && tuning.output.imagePushSecret === ''
        ? [{ path: ['tuning', 'output', 'imagePushSecret'], ...missingField('tuning.Output.Must specify imagePushSecret with destination image'), fix: 'Add imagePushSecret: the name of a Secret made with kubectl create secret docker-registry.' }]
        : [],
  },
  ...image('tuning-input-image-invalid', 'L353', 'input', ({ tuning }) => tuning?.input?.image),
  ...image('tuning-output-image-invalid', 'L428', 'output', ({ tuning }) => tuning?.output?.image),
];

export const isMethod = (method: string): boolean => ['lora', 'qlora'].includes(method.toLowerCase());

type Input = NonNullable<NonNullable<Subject['tuning']>['input']>;

const sources = ({ urls, volumeSource, image: reference }: Input): string[] => [...(urls.length > 0 ? ['urls'] : []), ...(volumeSource === undefined ? [] : ['volumeSource']), ...(reference === '' ? [] : ['image'])];

/** Asked of new and of changed Workspaces alike. */
function image(code: string, line: string, field: 'input' | 'output', read: (subject: Subject) => string | undefined): Rule[] {
  const check = (subject: Subject): Finding[] => {
    // A server that becomes a tuning is refused for that, and nothing else is asked.
    const reference = subject.stored && !subject.stored.tuning ? '' : (read(subject) ?? '');
    const problem = reference === '' ? undefined : imageProblem(reference);
    const fieldPath = field === 'input' ? 'tuning.Input.Image' : 'tuning.Output.Image';
    return problem === undefined ? [] : [{ path: ['tuning', field, 'image'], ...invalidValue(`Unable to parse ${field} image reference: ${problem}`, fieldPath), fix: imageFix }];
  };
  return [{ code, source: 'kaito', severity: 'error', on: 'always', stage: 'webhook', upstream: `${workspaceValidation}#${line}`, check }];
}
