import { alternativesTo } from '../domain/azure-instance-types.ts';
import { AccessError, CapacityError, ConflictError, FailedError, NotFoundError, PreflightError, QuotaError, UsageError } from '../domain/errors.ts';
import type { ErrorDetails, KaitoError } from '../domain/errors.ts';
import { flattenFailure } from './failure.ts';
import type { CloudFailure } from './failure.ts';
import { describeQuotaFigures, isSpotQuota, parseQuotaFigures } from './quota-figures.ts';

export interface FailureContext {
  /** What was tried, such as `creating agent pool kphi3`. */
  doing: string;
  cluster?: { name: string; resourceGroup: string };
  instanceType?: string;
  location?: string;
  subscriptionId?: string;
}

/**
 * Azure's refusals and failures as ours. The codes are from https://aka.ms/aks/error-codes (Microsoft's troubleshooting
 * pages for AKS) and from refusals that people published; one code can mean several things, so the text counts as well.
 * `reason` is Azure's code, `fact` Azure's text. FailedError when no row of the table knows it.
 */
export const toCloudError = (failure: CloudFailure, context: FailureContext): KaitoError => {
  const parts = flattenFailure(failure);
  for (const row of rows) {
    const part = parts.find((candidate) => matches(row, candidate));
    if (part) return row.toError({ failure, part, parts, context });
  }
  const [innermost = failure] = parts.toReversed();
  return new FailedError(`Azure failed at ${context.doing}.`, { ...evidence(failure, innermost), hints: supportHints(failure) });
};

/** Whether a failed operation may still come to a good end by itself: AKS goes on reconciling after some of its failures. */
export const mayRecover = (failure: CloudFailure): boolean =>
  flattenFailure(failure).some(({ code = '' }) => /^(AKSOperationPreempted|Reconcile\w+Failed|CreateVMSSAgentPoolFailed|InternalOperationError|InternalServerError)$/i.test(code));

interface Row {
  codes?: readonly string[];
  statusCode?: number;
  text?: RegExp;
  toError(known: Known): KaitoError;
}

interface Known {
  failure: CloudFailure;
  /** What matched. */
  part: CloudFailure;
  parts: readonly CloudFailure[];
  context: FailureContext;
}

const matches = ({ codes, statusCode, text }: Row, part: CloudFailure): boolean =>
  (part.code !== undefined && codes?.some((code) => code.toLowerCase() === part.code?.toLowerCase())) ||
  (statusCode !== undefined && part.statusCode === statusCode) ||
  (text?.test(part.message) ?? false);

const toQuotaError = ({ failure, part, parts, context }: Known): KaitoError => {
  // The figures may be in another part than the code.
  const telling = parts.find(({ message }) => describeQuotaFigures(parseQuotaFigures(message)) !== undefined) ?? part;
  const figures = parseQuotaFigures(telling.message);
  const location = context.location ?? figures.location;
  const place = location === undefined ? '' : ` in ${location}`;
  const wanted = figures.newLimit === undefined ? '' : ` of at least ${figures.newLimit}`;
  return new QuotaError(`The subscription has no quota left for ${context.instanceType ?? 'this size'}${place}: ${describeQuotaFigures(figures) ?? 'Azure refused it'}.`, {
    ...evidence(failure, telling),
    ...(part.code === undefined ? {} : { reason: part.code }),
    hints: [
      `Ask for a limit${wanted} of ${figures.quota ?? 'this quota'}${place}: https://learn.microsoft.com/azure/quotas/view-quotas`,
      ...(isSpotQuota(figures) ? ['Leave --spot out: ordinary machines have a quota of their own.'] : []),
      ...otherSizes(context),
    ],
  });
};

const toCapacityError = ({ failure, part, context }: Known, what: string, hints: readonly string[] = []): KaitoError => {
  const place = context.location === undefined ? '' : ` in ${context.location}`;
  return new CapacityError(`${what.replace('{size}', context.instanceType ?? 'this size')}${place}.`, {
    ...evidence(failure, part),
    hints: [...hints, ...otherSizes(context), 'Try again later, or in a cluster of another region.'],
  });
};

const toForbiddenError = ({ failure, part, context }: Known): KaitoError => {
  // A linked refusal names two actions, first the one that is allowed: the subnet or the disk encryption set is not ours to use.
  const action = /not have (?:authorization|permission) to perform action\(?s?\)? '([^']+)'/.exec(part.message)?.[1];
  const linkedScope = /linked scope\(s\) '([^']+)'/.exec(part.message)?.[1];
  const scope = linkedScope ?? clusterScope(context) ?? /over scope '([^']+)'/.exec(part.message)?.[1];
  const assignee = /object id '([^']+)'/.exec(part.message)?.[1];
  return new AccessError(`This login may not do it: ${action === undefined ? context.doing : `${action} is needed for ${context.doing}`}.`, {
    ...evidence(failure, part),
    hints: [
      `az role assignment create --role Contributor --assignee ${assignee ?? '<object id>'} --scope ${scope ?? '<cluster id>'}`,
      'A role that was granted a minute ago works after the next login: az login',
    ],
  });
};

const toUsageError = ({ failure, part, context }: Known): KaitoError =>
  new UsageError(`Azure does not accept ${part.target ?? 'a value'} in ${context.doing}.`, evidence(failure, part));

const rows: readonly Row[] = [
  {
    codes: ['ErrCode_InsufficientVCPUQuota', 'InsufficientVCPUQuota', 'QuotaExceeded'],
    text: /Family Cores quota|LowPriorityCores|exceeding approved .{0,80}quota|Submit a request for Quota increase|Insufficient (?:regional )?vcpu quota/i,
    toError: toQuotaError,
  },
  {
    codes: ['VMSizeNotSupported'],
    text: /VM size .{0,200}not allowed in your subscription|Virtual Machine size.{0,200}is not supported for subscription/is,
    toError: (known) => toCapacityError(known, 'Azure does not offer {size} to this subscription', [`az vm list-skus --size ${known.context.instanceType ?? 'Standard_N'} --all --output table`]),
  },
  { codes: ['AvailabilityZoneNotSupported'], toError: (known) => toCapacityError(known, 'Azure does not offer {size} in the zones asked for', ['Leave the zones out, or take those that the text names.']) },
  { codes: ['ZonalAllocationFailed', 'OverconstrainedZonalAllocationRequest'], toError: (known) => toCapacityError(known, 'Azure has no free {size} in the zone asked for', ['Leave the zones out.']) },
  {
    codes: ['SkuNotAvailable', 'AllocationFailed', 'OverconstrainedAllocationRequest', 'AksCapacityHeavyUsage'],
    toError: (known) => toCapacityError(known, 'Azure has no free {size}', /Low Priority|Spot|Preemptible/i.test(known.part.message) ? ['Leave --spot out.'] : []),
  },
  {
    codes: ['RequestDisallowedByPolicy'],
    toError: ({ failure, part, context }) =>
      new AccessError(`A policy of the subscription forbids ${context.doing}.`, { ...evidence(failure, part), hints: ['az policy assignment list --disable-scope-strict-match --output table'] }),
  },
  { codes: ['AuthorizationFailed', 'LinkedAuthorizationFailed'], toError: toForbiddenError },
  {
    codes: ['InvalidAuthenticationToken', 'InvalidAuthenticationTokenTenant', 'ExpiredAuthenticationToken', 'AuthenticationFailed'],
    statusCode: 401,
    toError: ({ failure, part, context }) =>
      new AccessError(`Azure did not accept the login for ${context.doing}.`, { ...evidence(failure, part), hints: ['az login', 'When the subscription is in another tenant: az login --tenant <tenant id>'] }),
  },
  {
    codes: ['MissingSubscriptionRegistration', 'SubscriptionNotRegistered'],
    toError: ({ failure, part, context }) =>
      new PreflightError('The subscription is not registered for the service.', {
        ...evidence(failure, part),
        hints: [`az provider register --namespace ${/namespace '([^']+)'/.exec(part.message)?.[1] ?? 'Microsoft.ContainerService'}${subscriptionFlag(context)}`],
      }),
  },
  {
    codes: ['Throttled', 'SubscriptionRequestsThrottled', 'TooManyRequestsReceived', 'TooManyRequests'],
    statusCode: 429,
    toError: ({ failure, part, context }) =>
      new FailedError(`Azure is asked too often for ${context.doing}.`, { ...evidence(failure, part), hints: ['Run the same command again in some minutes: it goes on where it stopped.'] }),
  },
  {
    text: /power ?state\W{0,3}stopped|cluster (?:is|has been) (?:currently )?(?:in )?(?:a |the )?stopped|stopped (?:managed )?cluster/i,
    toError: ({ failure, part, context }) =>
      new PreflightError('The AKS cluster is stopped.', { ...evidence(failure, part), hints: context.cluster ? [startCommand(context.cluster)] : ['az aks start'] }),
  },
  {
    codes: ['AKSOperationPreempted', 'AKSOperationPreemptedByDelete'],
    text: /operation .{0,120}in progress|in progress .{0,60}operation|overrid+en and cancell?ed by a later operation|preempted by another operation/i,
    toError: (known) => conflict(known, 'Azure is busy with another operation'),
  },
  { codes: ['PreconditionFailed', 'PreConditionFailed', 'EtagMismatch'], statusCode: 412, toError: (known) => conflict(known, 'It is there already, or somebody changed it meanwhile') },
  { codes: ['InvalidParameter', 'PropertyChangeNotAllowed', 'LinkedInvalidPropertyId'], toError: toUsageError },
  { text: /node label key|reserved label|Invalid taint/i, toError: toUsageError },
  {
    codes: ['ResourceNotFound', 'NotFound', 'ResourceGroupNotFound', 'SubscriptionNotFound', 'InvalidSubscriptionId'],
    statusCode: 404,
    toError: ({ failure, part, context }) =>
      new NotFoundError(`Azure does not know what ${context.doing} needs.`, { ...evidence(failure, part), hints: [`az aks list${subscriptionFlag(context)} --output table`] }),
  },
  {
    codes: ['NodesNotReady', 'VMExtensionProvisioningError', 'VMExtensionProvisioningTimeout'],
    text: /reported a failure when processing extension|VMExtensionError_/,
    toError: ({ failure, part, context }) => {
      const exitStatus = /exit status\s*=?\s*(\d+)/i.exec(part.message)?.[1];
      const meaning = exitStatus === undefined ? undefined : nodeSetupExits[exitStatus];
      return new FailedError(`The machines came, and did not become nodes that are ready${meaning === undefined ? '' : `: ${meaning}`}.`, {
        ...evidence(failure, part),
        hints: ['kubectl get nodes; kubectl describe nodes', ...(context.cluster ? [`az aks nodepool list ${clusterFlags(context.cluster)} --output table`] : [])],
      });
    },
  },
  { statusCode: 403, toError: toForbiddenError },
  { statusCode: 409, toError: (known) => conflict(known, 'Azure is busy with another operation, or it is there already') },
];

/** Exit codes of the script with which AKS sets nodes up: `cse_helpers.sh` of Azure/AgentBaker. */
const nodeSetupExits: Readonly<Record<string, string>> = {
  '84': 'the GPU driver did not start',
  '85': 'what the GPU driver needs could not be installed',
  '86': 'the GPU driver could not be installed',
};

const conflict = ({ failure, part, context }: Known, why: string): KaitoError =>
  new ConflictError(`${why}, so ${context.doing} was refused.`, {
    ...evidence(failure, part),
    hints: [...(context.cluster ? [`az aks nodepool list ${clusterFlags(context.cluster)} --output table`] : []), 'Run the same command again when it has ended.'],
  });

/** Codes and texts as Azure gave them, with what the details say beyond the text; the status stands in where there was no code. */
const evidence = (failure: CloudFailure, part: CloudFailure): ErrorDetails => {
  const reason = part.code ?? failure.code ?? (failure.statusCode === undefined ? undefined : `Http${failure.statusCode}`);
  return { ...(reason === undefined ? {} : { reason }), fact: toldBy(part, failure).map(cut).join('\n'), cause: failure };
};

const toldBy = (part: CloudFailure, failure: CloudFailure): string[] =>
  [part.message || failure.message, ...(part.details ?? []).flatMap(flattenFailure).map(({ message }) => message)].filter((message, index, all) => !all.slice(0, index).some((earlier) => earlier.includes(message)));

const factLengthLimit = 600;

/** Some refusals list every size of the region: what is said before the list is enough. */
const cut = (message: string): string => {
  const oneLine = message.replaceAll(/\s+/g, ' ').trim().replace(/\s*The available (?:VM )?sizes are .*$/i, '');
  return oneLine.length <= factLengthLimit ? oneLine : `${oneLine.slice(0, factLengthLimit).replace(/\s+\S*$/, '')} …`;
};

const otherSizes = ({ instanceType }: FailureContext): string[] => {
  const names = instanceType === undefined ? [] : alternativesTo(instanceType).slice(0, 2).map(({ name }) => name);
  return names.length === 0 ? [] : [`Name other sizes, tried in this order: --instance-type ${[instanceType, ...names].join(',')}`];
};

const supportHints = ({ requestId }: CloudFailure): string[] => (requestId === undefined ? [] : [`Azure's support asks for the correlation id: ${requestId}`]);

export const startCommand = (cluster: { name: string; resourceGroup: string }): string => `az aks start ${clusterNameFlags(cluster)}`;

const clusterNameFlags = ({ name, resourceGroup }: { name: string; resourceGroup: string }): string => `--resource-group ${resourceGroup} --name ${name}`;

const clusterFlags = ({ name, resourceGroup }: { name: string; resourceGroup: string }): string => `--resource-group ${resourceGroup} --cluster-name ${name}`;

const subscriptionFlag = ({ subscriptionId }: FailureContext): string => (subscriptionId === undefined ? '' : ` --subscription ${subscriptionId}`);

const clusterScope = ({ subscriptionId, cluster }: FailureContext): string | undefined =>
  subscriptionId === undefined || cluster === undefined
    ? undefined
    : `/subscriptions/${subscriptionId}/resourceGroups/${cluster.resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${cluster.name}`;
