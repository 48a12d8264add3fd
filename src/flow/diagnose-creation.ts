import type { Kinds } from '../cluster/kinds.ts';
import { parseQuantity } from '../domain/quantity.ts';
import type { Diagnosis } from './diagnose.ts';

type Workload = Kinds['Job'] | Kinds['Deployment'] | Kinds['StatefulSet'];

/**
 * Why there is no pod at all: the API server takes a workload and refuses its pods, by a policy or a quota of the namespace.
 * A Deployment has that in its status, a Job and a StatefulSet only in events. `earlier` refusals are told and not held
 * against the workload: what refused may have been mended since, and its controller tries again.
 */
export const diagnoseCreation = (workload: Workload | undefined, events: readonly Kinds['Event'][], earlier: ReadonlySet<string> = new Set()): Diagnosis | undefined => {
  if (!workload) return undefined;
  const { kind, metadata } = workload;
  const signs = signsOf(workload, events);
  const message = signs.find(({ isOfController }) => !isOfController)?.message.replace(/^Error creating: /, '');
  if (message === undefined) return undefined;
  const isEarlier = signs.every(({ identity }) => earlier.has(identity));
  return {
    reason: 'PodRefused',
    message: `${kind}/${metadata.name} cannot make its pod: ${message}${isEarlier ? `; it is tried again ever more seldom, or at once after: kubectl rollout restart ${kind.toLowerCase()} ${metadata.name} -n ${metadata.namespace}` : ''}`,
    hints: [`kubectl describe ${kind.toLowerCase()} ${metadata.name} -n ${metadata.namespace}`, 'Ask the administrator of the cluster for an exception, or use another namespace'],
    isFatal: !isEarlier && (/violates PodSecurity|denied the request|denied request/.test(message) || isBeyondQuota(message)),
  };
};

/** What tells now that pods were refused, to be recognised later. */
export const refusalsOf = (workload: Workload, events: readonly Kinds['Event'][]): ReadonlySet<string> => new Set(signsOf(workload, events).map(({ identity }) => identity));

interface Sign {
  identity: string;
  message: string;
  /** Of a ReplicaSet: that a Deployment's condition still holds, and was found out anew. */
  isOfController: boolean;
}

/** The latest first. */
const signsOf = ({ kind, metadata, status }: Workload, events: readonly Kinds['Event'][]): Sign[] => {
  const conditions: { type: string; status: string; message?: string | undefined; lastTransitionTime?: string | undefined }[] = status?.conditions ?? [];
  const failure = conditions.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  const isOfController = ({ involvedObject }: Kinds['Event']): boolean => failure !== undefined && kind === 'Deployment' && involvedObject.kind === 'ReplicaSet' && (involvedObject.name ?? '').startsWith(`${metadata.name}-`);
  const refused = events.filter((event) => event.reason === 'FailedCreate' && (event.involvedObject.uid === metadata.uid || isOfController(event)));
  return [
    ...(failure ? [{ identity: `condition ${failure.lastTransitionTime}`, message: failure.message ?? '', isOfController: false }] : []),
    ...refused.toReversed().map((event) => ({ identity: `${event.metadata.name} ${event.count}`, message: event.message ?? '', isOfController: isOfController(event) })),
  ];
};

/** A quota may have room again, unless it could not hold the pod if nothing else were there. */
const isBeyondQuota = (message: string): boolean => {
  const [, requested = '', limited = ''] = /exceeded quota: .*?requested: (.*), used: .*, limited: (\S+)/.exec(message) ?? [];
  const limits = new Map(limited.split(',').map((pair) => toAmount(pair)));
  return requested.split(',').map((pair) => toAmount(pair)).some(([resource, amount]) => amount !== undefined && amount > (limits.get(resource) ?? Number.POSITIVE_INFINITY));
};

const toAmount = (pair: string): [string, number | undefined] => {
  const [resource = '', amount = ''] = pair.split('=');
  return [resource, parseQuantity(amount)];
};
