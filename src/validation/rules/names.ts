import { quote } from '../go-text.ts';
import { isMap } from '../json.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { isPresetName } from '../subject.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** What Kubernetes says of a name that must be a DNS subdomain; empty when it is one. */
export const subdomainProblems = (name: string): string[] => [...(name.length > 253 ? ['must be no more than 253 characters'] : []), ...(subdomain.test(name) ? [] : [subdomainText])];

/** KAITO's webhook tells all that is wrong with a name in one sentence. */
export const asOne = (problems: readonly string[]): string[] => (problems.length === 0 ? [] : [problems.join(', ')]);

export const isLabel = (name: string): boolean => name.length <= 63 && label.test(name);

const labelProblems = (name: string): string[] => [...(name.length > 63 ? ['must be no more than 63 characters'] : []), ...(label.test(name) ? [] : [subdomain.test(name) ? 'must not contain dots' : labelText])];

/** Kubernetes appends the pod's number and the revision's hash to it, in a label value of at most 63 characters. */
const nameLengthMax = 52;

const nameFix = `A name has at most ${nameLengthMax} lower-case letters, digits and -, and starts with a letter.`;

export const nameRules: readonly Rule[] = [
  {
    code: 'name-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'schema',
    upstream: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names',
    check: ({ name }) => {
      if (name === '') return [at('metadata.name: Required value: name or generateName is required')];
      return subdomainProblems(name).map((text) => at(`metadata.name: Invalid value: ${quote(name)}: ${text}`));
    },
  },
  {
    code: 'name-no-label',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L70`,
    check: ({ name }) => (name === '' || (!subdomain.test(name) && name.length <= 253) ? [] : asOne(labelProblems(name)).map((text) => ({ path: ['metadata', 'name'], ...invalidValue(text, 'name'), fix: nameFix }))),
  },
  {
    code: 'name-too-long',
    source: 'kaito-ts',
    severity: 'error',
    on: 'create',
    upstream: 'pkg/workspace/manifests/manifests.go#L135',
    check: ({ name }) => (name.length > nameLengthMax && isLabel(name) ? [at(`The name has ${name.length} characters; above ${nameLengthMax} the pods of its StatefulSet cannot be made.`)] : []),
  },
  {
    code: 'name-starts-with-digit',
    source: 'kaito-ts',
    severity: 'error',
    on: 'create',
    upstream: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#rfc-1035-label-names',
    check: ({ name }) => (/^\d/.test(name) && isLabel(name) ? [at('The name starts with a digit, and a Service of that name cannot be made.')] : []),
  },
];

const at = (message: string): Finding => ({ path: ['metadata', 'name'], message, fix: nameFix });

const resourceFix = 'Add resource with instanceType and labelSelector.';

export const topLevelRules: readonly Rule[] = [
  {
    code: 'neither-inference-nor-tuning',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L165`,
    check: ({ inference, tuning, document }) =>
      inference || tuning
        ? []
        : [{ path: [], ...generic('Either Inference or Tuning must be specified, not neither', 'spec'), fix: isMap(document['spec']) ? 'Move what is in spec beside metadata: a Workspace has no spec.' : 'Add inference to serve a model, or tuning to tune one.' }],
  },
  {
    code: 'inference-and-tuning',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L165`,
    check: ({ inference, tuning }) => (inference && tuning ? [{ path: ['tuning'], ...generic('Either Inference or Tuning must be specified, but not both', 'spec'), fix: 'Make two Workspaces of it.' }] : []),
  },
  {
    code: 'resource-missing',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'panic',
    upstream: `${workspaceValidation}#L464`,
    check: ({ json, tuning }) => (json['resource'] !== undefined || !tuning ? [] : [{ path: [], message: 'There is no resource, and the webhook crashes on a tuning without one.', fix: resourceFix }]),
  },
  {
    code: 'resource-missing-for-inference',
    source: 'kaito-ts',
    severity: 'error',
    on: 'create',
    upstream: 'pkg/workspace/controllers/workspace_controller.go#L1484',
    check: ({ json, inference, tuning }) => (json['resource'] !== undefined || tuning || !inference ? [] : [{ path: [], message: 'There is no resource, so nothing says which nodes it runs on.', fix: resourceFix }]),
  },
  {
    code: 'v1alpha1-inference-preset',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'panic',
    isForOperatorOnly: true,
    upstream: 'api/v1alpha1/workspace_validation.go#L372',
    check: ({ version, inference, facts }) =>
      version === 'kaito.sh/v1alpha1' && inference?.preset && isPresetName(facts.presets, inference.preset.name)
        ? [{ path: ['apiVersion'], message: 'The operator’s webhook crashes on every v1alpha1 Workspace that serves a preset.', fix: 'Write apiVersion: kaito.sh/v1beta1; the fields are the same.' }]
        : [],
  },
  {
    code: 'instance-type-required',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L174`,
    check: ({ resource, environment }) =>
      resource.instanceType === '' && environment.nodeProvisioner !== 'byo'
        ? [{ path: ['resource', 'instanceType'], ...missingField('spec.instanceType is required when node auto-provisioning is enabled', 'spec.resource.instanceType'), fix: 'Name a machine, for example instanceType: Standard_NC24ads_A100_v4 (kaito-ts instance-types).' }]
        : [],
  },
  {
    code: 'instance-type-forbidden',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L174`,
    check: ({ resource, environment, document }) =>
      // What only a default of v1alpha1 says, nobody has written.
      resource.instanceType !== '' && isMap(document['resource']) && document['resource']['instanceType'] !== undefined && environment.nodeProvisioner === 'byo'
        ? [{ path: ['resource', 'instanceType'], ...invalidValue('instanceType must be empty when node auto-provisioning is disabled (BYO scenario)', 'spec.resource.instanceType'), fix: 'Leave instanceType out: existing nodes are found by labelSelector.' }]
        : [],
  },
];
