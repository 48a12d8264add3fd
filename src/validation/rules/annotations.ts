import { isGateOpen } from '../environment.ts';
import { generic, invalidValue, type Rule } from '../rule.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';
const performanceModes = ['balanced', 'interactivity', 'throughput'];
const imageFamilies = ['azurelinux', 'ubuntu'];

const at = (name: string): string[] => ['metadata', 'annotations', name];

export const annotationRules: readonly Rule[] = [
  {
    code: 'node-image-family-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L194`,
    check: ({ annotations }) => {
      const family = annotations['kaito.sh/node-image-family'];
      if (family === undefined || family.trim() === '' || imageFamilies.includes(family.trim().toLowerCase())) return [];
      return [{ path: at('kaito.sh/node-image-family'), ...invalidValue(`unsupported node image family "${family}", supported values are azurelinux, ubuntu`, 'spec.metadata.annotations'), fix: `Choose one of: ${imageFamilies.join(', ')}.` }];
    },
  },
  {
    code: 'performance-mode-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L136`,
    check: ({ annotations }) => {
      const mode = annotations['kaito.sh/performance-mode'];
      if (mode === undefined || performanceModes.includes(mode)) return [];
      return [
        {
          path: at('kaito.sh/performance-mode'),
          ...invalidValue(`"${mode}" is not a valid performance mode; choose one of: ${performanceModes.join(', ')}`, 'metadata.annotations[kaito.sh/performance-mode]'),
          fix: `Choose one of: ${performanceModes.join(', ')}.`,
        },
      ];
    },
  },
  {
    code: 'use-local-weights-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L136`,
    check: ({ annotations }) => {
      const value = annotations['kaito.sh/use-local-weights'];
      if (value === undefined || value === 'true' || value === 'false') return [];
      return [{ path: at('kaito.sh/use-local-weights'), ...invalidValue(`"${value}" is not a valid value; must be "true" or "false"`, 'metadata.annotations[kaito.sh/use-local-weights]'), fix: 'Write "true" or "false", in quotes.' }];
    },
  },
  {
    code: 'model-streaming-cloud',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L944`,
    check: ({ annotations, environment, inference, runtime }) =>
      isGateOpen(environment, 'ModelStreaming') && inference?.preset && runtime === 'vllm' && environment.cloud !== 'azure' && annotations['kaito.sh/model-streaming'] !== 'disabled'
        ? [{ path: ['metadata'], ...generic(`unsupported cloud provider "${environment.cloud}" for model streaming`, 'metadata.annotations'), fix: 'Add the annotation kaito.sh/model-streaming: disabled.' }]
        : [],
  },
  {
    code: 'runtime-unknown',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'always',
    upstream: 'api/v1beta1/labels.go#L118',
    check: ({ annotations, inference }) => {
      const runtime = annotations['kaito.sh/runtime'];
      if (runtime === undefined || !inference || runtime === 'vllm' || runtime === 'transformers') return [];
      return [{ path: at('kaito.sh/runtime'), message: `There is no runtime ${JSON.stringify(runtime)}, and vLLM is taken for it.`, fix: 'Write vllm or transformers, in lower case.' }];
    },
  },
  {
    code: 'switch-not-exact',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'always',
    upstream: 'api/v1beta1/labels.go#L35',
    check: ({ annotations }) =>
      Object.entries(exactValues).flatMap(([name, exact]) => {
        const value = annotations[name];
        return value === undefined || value === exact || value.toLowerCase() !== exact.toLowerCase() ? [] : [{ path: at(name), message: `${name} is compared exactly, and ${JSON.stringify(value)} does nothing.`, fix: `Write ${JSON.stringify(exact)}.` }];
      }),
  },
];

const exactValues: Readonly<Record<string, string>> = { 'kaito.sh/enablelb': 'True', 'kaito.sh/disable-benchmark': 'true' };

/** Rules about an annotation that may change with an update. */
export const annotationUpdateRules: readonly Rule[] = [
  {
    code: 'model-streaming-immutable',
    source: 'kaito',
    severity: 'error',
    on: 'update',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L928`,
    check: ({ annotations, stored, environment }) =>
      isGateOpen(environment, 'ModelStreaming') && stored && (annotations['kaito.sh/model-streaming'] ?? '') !== (stored.annotations['kaito.sh/model-streaming'] ?? '')
        ? [{ path: at('kaito.sh/model-streaming'), ...generic('field is immutable', 'metadata.annotations[kaito.sh/model-streaming]'), fix: 'Keep its value, or delete the Workspace and create it anew.' }]
        : [],
  },
];
