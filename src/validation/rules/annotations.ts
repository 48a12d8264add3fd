import { isGateOpen } from '../environment.ts';
import { quote, trimSpace } from '../go-text.ts';
import { generic, invalidValue, type Finding, type Rule } from '../rule.ts';
import type { Subject } from '../subject.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';
const performanceModes = ['balanced', 'interactivity', 'throughput'];
const imageFamilies = ['azurelinux', 'ubuntu'];

const nodeClass = 'kaito.sh/node-class-name';
/** Those of the chart: https://github.com/kaito-project/kaito/blob/056b8280/charts/kaito/workspace/values.yaml#L58 */
const nodeClasses = ['image-family-azure-linux', 'image-family-ubuntu'];

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/consts/consts.go#L77 */
export const blobDriver = 'blob.csi.azure.com';

export const isStreamed = ({ annotations, environment, inference, runtime }: Subject): boolean =>
  isGateOpen(environment, 'ModelStreaming') && inference?.preset !== undefined && runtime === 'vllm' && annotations['kaito.sh/model-streaming'] !== 'disabled';

const at = (name: string): string[] => ['metadata', 'annotations', name];

/** What streaming a model's weights needs, where they are streamed. */
const streamingRule = (code: string, findProblem: (subject: Subject) => Omit<Finding, 'path'> | undefined): Rule => ({
  code,
  source: 'kaito',
  severity: 'error',
  on: 'create',
  stage: 'webhook',
  isNewInV1beta1: true,
  upstream: `${workspaceValidation}#L944`,
  check(subject) {
    const problem = isStreamed(subject) ? findProblem(subject) : undefined;
    return problem ? [{ path: ['metadata'], ...problem }] : [];
  },
});

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
      if (family === undefined || imageFamilies.includes(trimSpace(family).toLowerCase())) return [];
      return [
        {
          path: at('kaito.sh/node-image-family'),
          ...invalidValue(`unsupported node image family ${quote(family)}, supported values are azurelinux, ubuntu`, 'spec.metadata.annotations["kaito.sh/node-image-family"]'),
          fix: `Choose one of: ${imageFamilies.join(', ')}.`,
        },
      ];
    },
  },
  {
    code: 'performance-mode-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L136`,
    check: ({ annotations }) => {
      const mode = annotations['kaito.sh/performance-mode'];
      if (mode === undefined || performanceModes.includes(mode)) return [];
      return [
        {
          path: at('kaito.sh/performance-mode'),
          ...invalidValue(`${quote(mode)} is not a valid performance mode; choose one of: ${performanceModes.join(', ')}`, 'metadata.annotations[kaito.sh/performance-mode]'),
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
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L136`,
    check: ({ annotations }) => {
      const value = annotations['kaito.sh/use-local-weights'];
      if (value === undefined || value === 'true' || value === 'false') return [];
      return [{ path: at('kaito.sh/use-local-weights'), ...invalidValue(`${quote(value)} must be "true" or "false"`, 'metadata.annotations[kaito.sh/use-local-weights]'), fix: 'Write "true" or "false", in quotes.' }];
    },
  },
  streamingRule('model-streaming-cloud', ({ environment: { cloud } }) =>
    cloud === 'azure' ? undefined : { ...generic(`unsupported cloud provider "${cloud}" for model streaming`, 'metadata.annotations'), fix: 'Add the annotation kaito.sh/model-streaming: disabled.' },
  ),
  streamingRule('model-streaming-driver', ({ environment: { cloud }, facts }) =>
    cloud !== 'azure' || facts.findCsiDriver(blobDriver).kind !== 'missing'
      ? undefined
      : {
          ...generic(`CSI driver ${blobDriver} not found; required for model streaming. Ensure the CSI driver is enabled on your cluster`, 'metadata.annotations'),
          fix: 'Enable it (az aks update --enable-blob-driver), or add the annotation kaito.sh/model-streaming: disabled.',
        },
  ),
  {
    code: 'node-class-not-allowed',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L216`,
    check: ({ annotations, stored, environment }) => {
      const name = annotations[nodeClass] ?? '';
      const isNew = !stored || name !== (stored.annotations[nodeClass] ?? '');
      if (environment.nodeProvisioner !== 'karpenter' || environment.cloud !== 'azure' || name === '' || !isNew || nodeClasses.includes(name)) return [];
      return [
        {
          path: at(nodeClass),
          ...invalidValue(`annotation ${nodeClass}=${quote(name)} is not permitted: choose one of the KAITO-managed NodeClasses [${nodeClasses.join(' ')}]`, `metadata.annotations[${nodeClass}]`),
          fix: `Choose one of ${nodeClasses.join(' and ')}, or whichever the operator was started with.`,
        },
      ];
    },
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
        ? [{ path: at('kaito.sh/model-streaming'), ...generic('annotation kaito.sh/model-streaming is immutable after creation', 'metadata.annotations[kaito.sh/model-streaming]'), fix: 'Keep its value, or delete the Workspace and create it anew.' }]
        : [],
  },
];
