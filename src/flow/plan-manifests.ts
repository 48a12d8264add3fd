import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Plan } from '../domain/plan.ts';
import type { PodsWorkspace, WorkspaceMetadata } from '../domain/workspace.ts';
import type { ManifestDocument } from '../manifests/manifest-text.ts';
import { renderRecord } from './record.ts';

/**
 * What a first run would write to the cluster, in its order, for somebody else to apply: the owner record and the objects.
 * No agent pool is in the record, for nobody has asked for one, and no time, so that the same wish gives the same text.
 */
export const planManifests = (plan: Plan): ManifestDocument[] => [
  { comments: [...describeChoices(plan), ...recordComments(plan)], object: ownerRecord(plan) },
  ...plan.steps.flatMap((step) => (step.kind === 'apply' ? [{ comments: step.owned ? [] : ['Stays when the workspace is deleted.'], object: withoutContentHash(step.object) }] : [])),
];

/** What was decided for the user, and nothing that a flag or a file said: `1 x Standard_NC24ads_A100_v4: cheapest that fits`. */
const describeChoices = ({ choices, cost }: Plan): string[] => [
  ...choices.filter(({ what, why }) => what === 'instance-type' || !/^(?:-|given|$)/.test(why)).map(({ what, value, why }) => (what === 'instance-type' ? `${value}: ${why}` : `${what} ${value}: ${why}`)),
  ...(cost ? [`About $${cost.perHourUsd.toFixed(2)} an hour: ${cost.source}`] : []),
];

/** KAITO makes no claim for an adapter, and its Job would wait for one for ever. */
export const workspaceComments = (plan: Plan): string[] => [
  ...describeChoices(plan),
  ...plan.steps.flatMap((step) => (step.kind === 'apply' && step.object.kind === 'PersistentVolumeClaim' ? [`PersistentVolumeClaim/${step.object.metadata.name} must be there: KAITO's operator does not make it.`] : [])),
];

/** There is no record of them, and so nothing that this program finds them by. */
export const podsComments = ({ metadata, resource }: PodsWorkspace): string[] => [
  ...(resource.instanceType === undefined ? [] : [nodesComment(metadata, resource.instanceType)]),
  `Delete what was applied with: kubectl delete deployment,service -n ${metadata.namespace} -l kaito.sh/workspace=${metadata.name}`,
];

const nodesComment = ({ name, namespace }: WorkspaceMetadata, instanceType?: string): string =>
  `GPU nodes are not made by this: the pods wait for nodes${instanceType === undefined ? '' : ` (${instanceType})`} with the labels kaito.sh/workspace=${name} and kaito.sh/workspacenamespace=${namespace}.`;

const recordComments = ({ workspace: { metadata }, nodes, command }: Plan): string[] => [
  ...(nodes.provisioner === 'aks' ? [nodesComment(metadata)] : []),
  `This record says what was wanted. Owner references need its uid, which is not known yet, and are left out: ${command === 'serve' ? 'kaito-ts serve adds them' : 'delete what was applied with kubectl delete'}.`,
];

const ownerRecord = ({ workspace }: Plan): KubernetesObject => {
  const { data, ...record } = renderRecord({ workspace, revision: 1, createdAt: '' });
  return { ...record, data: Object.fromEntries(Object.entries(typeof data === 'object' && data !== null ? data : {}).filter(([key]) => key !== 'createdAt')) };
};

/** Who applies it by other means must not pass for this program, which still has an owner to set. */
const withoutContentHash = (object: KubernetesObject): KubernetesObject => {
  const { 'kaito-ts/content': _, ...annotations } = object.metadata.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
};
