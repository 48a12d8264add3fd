import { kaitoAnnotation, nodeLabels } from '../domain/annotations.ts';
import { agentPoolTags, isAgentPoolOf } from '../domain/agent-pool-tags.ts';
import type { AgentPool } from '../domain/azure.ts';
import { findPrice } from '../domain/azure-prices.ts';
import { azureInstanceTypes, isSameQuotaFamily } from '../domain/azure-instance-types.ts';
import { ConflictError, PreflightError, QuotaError } from '../domain/errors.ts';
import type { AzureFacts, Facts } from '../domain/facts.ts';
import type { InstanceType } from '../domain/instance-type.ts';
import type { Check, Choice, Cost, Step } from '../domain/plan.ts';
import type { NodePoolRecord } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';
import { agentPoolName } from './agent-pool-name.ts';
import { labelSelectorText } from './byo.ts';
import type { Fit, Machine, NodesRequest, Provision, Provisioner } from './provisioner.ts';

/** One AKS agent pool for each workspace, through Azure Resource Manager. What KAITO's operator calls `azure-gpu-provisioner`. */
export const aks: Provisioner = {
  usesAzure: true,
  provision(request, facts) {
    const { azure } = facts;
    if (!azure) throw new PreflightError('Nothing is known about Azure, and the aks provisioner needs it.', { hints: ['Use --provisioner byo with existing GPU nodes.'] });
    checkCluster(azure);
    const candidate = chooseInstanceType(request, facts, azure);
    return toProvision(candidate, request, facts, azure);
  },
};

interface Candidate {
  instanceType: InstanceType;
  fit: Exclude<Fit, { refusal: string }>;
  perHourUsd: number | undefined;
  quota: Quota;
  why: string;
}

/** Standard vCPUs: the family's own limit and the region's total both count; Spot has one limit of its own. */
interface Quota {
  verdict: 'enough' | 'short' | 'unknown';
  fact: string;
}

/** A machine that nobody named is taken only when it costs at most this many times the cheapest that fits. */
const automaticPriceFactorMax = 3;

const checkCluster = ({ cluster }: AzureFacts): void => {
  if (cluster.powerState !== 'Running') {
    throw new PreflightError(`AKS cluster ${cluster.name} is ${cluster.powerState.toLowerCase()}.`, {
      reason: 'ClusterStopped',
      fact: `powerState ${cluster.powerState}, provisioningState ${cluster.provisioningState}`,
      hints: [`az aks start --resource-group ${cluster.resourceGroup} --name ${cluster.name}`],
    });
  }
};

const chooseInstanceType = (request: NodesRequest, facts: Facts, azure: AzureFacts): Candidate => {
  const wanted = request.workspace.resource.instanceType;
  const offered = azureInstanceTypes.filter((type) => (wanted === undefined ? type.gpuVendor === 'NVIDIA' : type.name === wanted));
  const refusals: string[] = [];
  const candidates: Candidate[] = [];
  for (const instanceType of offered) {
    const sku = azure.skus.find((candidate) => candidate.name.toLowerCase() === instanceType.name.toLowerCase());
    const fit = request.fit(toMachine(instanceType));
    if (azure.skus.length > 0 && !sku) refusals.push(`${instanceType.name}: not offered in ${azure.cluster.location}`);
    else if (sku?.restriction) refusals.push(`${instanceType.name}: ${sku.restriction} in ${azure.cluster.location}`);
    else if ('refusal' in fit) refusals.push(`${instanceType.name}: ${fit.refusal}`);
    else {
      const price = findPrice(instanceType.name, azure.cluster.location);
      candidates.push({
        instanceType,
        fit,
        perHourUsd: price === undefined ? undefined : price.usdPerHour * fit.nodeCount,
        quota: judgeQuota(instanceType, sku?.family ?? instanceType.quotaFamily, fit.nodeCount, request, facts, azure),
        why: wanted === undefined ? 'cheapest that fits' : (request.instanceTypeWhy ?? '--instance-type'),
      });
    }
  }
  candidates.sort((left, right) => (left.perHourUsd ?? Number.POSITIVE_INFINITY) - (right.perHourUsd ?? Number.POSITIVE_INFINITY));
  const chosen = candidates.find((candidate) => (wanted === undefined ? mayTakeUnasked(candidate, candidates[0]) : candidate.quota.verdict !== 'short'));
  if (chosen) {
    const skipped = candidates.slice(0, candidates.indexOf(chosen)).map(({ instanceType }) => instanceType.name);
    return skipped.length === 0 ? chosen : { ...chosen, why: `cheapest that fits and has quota (none left for ${skipped.join(', ')})` };
  }
  throw noInstanceType(candidates, refusals, wanted, azure);
};

/** Nobody looks at a plan in a pipeline: a price that is unknown, or far above what was needed, must be asked for by name. */
const mayTakeUnasked = ({ quota, perHourUsd }: Candidate, cheapest: Candidate | undefined): boolean =>
  quota.verdict === 'enough' && perHourUsd !== undefined && perHourUsd <= automaticPriceFactorMax * (cheapest?.perHourUsd ?? perHourUsd);

const noInstanceType = (candidates: Candidate[], refusals: string[], wanted: string | undefined, azure: AzureFacts): Error => {
  const [cheapest] = candidates;
  if (cheapest) {
    const dearer = candidates.find(({ quota }) => quota.verdict !== 'short');
    return new QuotaError(`The subscription has no quota left for ${wanted ?? `the instance types that fit, such as ${cheapest.instanceType.name}`} in ${azure.cluster.location}.`, {
      reason: 'QuotaExceeded',
      fact: candidates.map(({ instanceType, quota, perHourUsd }) => `${instanceType.name}${perHourUsd === undefined ? '' : `, $${perHourUsd.toFixed(2)} an hour`}: ${quota.fact}`).join('\n'),
      hints: [
        `az vm list-usage --location ${azure.cluster.location} --output table`,
        'Ask for more: https://learn.microsoft.com/azure/quotas/view-quotas',
        ...(wanted !== undefined ? ['Leave out --instance-type to take the cheapest that has quota.'] : dearer ? [`A far dearer one is not taken unasked: --instance-type ${dearer.instanceType.name}`] : []),
      ],
    });
  }
  return new PreflightError(`No instance type in ${azure.cluster.location} can do this${wanted === undefined ? '' : `: ${wanted} cannot`}.`, {
    reason: 'DoesNotFit',
    fact: refusals.join('\n'),
    hints: ['kaito-ts instance-types'],
  });
};

/** Karpenter and the quota pages count the same: vCPUs x nodes, against the family and against the region's total. */
const judgeQuota = (instanceType: InstanceType, family: string, nodeCount: number, request: NodesRequest, facts: Facts, azure: AzureFacts): Quota => {
  const pool = existingPool(request.workspace, instanceType, facts, azure);
  if (pool) return { verdict: 'enough', fact: `agent pool ${pool.name} is there already${pool.provisioningState === 'Deleting' ? ', and frees its vCPUs when it has gone' : ''}` };
  const needed = instanceType.vCpuCount * nodeCount;
  const limits = (request.spot ? ['lowPriorityCores'] : [family, 'cores']).map((name): Quota => {
    const usage = azure.usages.find((candidate) => isSameQuotaFamily(candidate.family, name));
    // An unknown family is no reason to refuse what was asked for by name: Azure itself will say so.
    if (!usage) return { verdict: 'unknown', fact: `${name}: unknown` };
    return { verdict: usage.used + needed <= usage.limit ? 'enough' : 'short', fact: `${name}: ${usage.used} of ${usage.limit} vCPUs used, ${needed} needed` };
  });
  const worst = (['short', 'unknown', 'enough'] as const).find((verdict) => limits.some((limit) => limit.verdict === verdict)) ?? 'unknown';
  return { verdict: worst, fact: limits.filter(({ verdict }) => worst !== 'short' || verdict === 'short').map(({ fact }) => fact).join('; ') };
};

/** The pool of an earlier run, as far as it was for this instance type and is not known to be gone. */
const recordedPool = ({ record }: Facts, instanceType: InstanceType): NodePoolRecord | undefined => {
  const recorded = record?.record.nodePool;
  return recorded?.releasedAt === undefined && recorded?.instanceType === instanceType.name ? recorded : undefined;
};

const existingPool = (workspace: Workspace, instanceType: InstanceType, facts: Facts, { agentPools, cluster }: AzureFacts): AgentPool | undefined => {
  const name = recordedPool(facts, instanceType)?.name ?? agentPoolName(workspace, instanceType.name);
  const pool = agentPools.find((candidate) => candidate.name === name);
  if (pool?.powerState === 'Stopped') {
    throw new PreflightError(`Agent pool ${name} is stopped.`, {
      reason: 'AgentPoolStopped',
      hints: [`az aks nodepool start --resource-group ${cluster.resourceGroup} --cluster-name ${cluster.name} --name ${name}`, `kaito-ts delete ${workspace.metadata.name} -n ${workspace.metadata.namespace}`],
    });
  }
  if (!pool || isAgentPoolOf(pool.tags, workspace.metadata)) return pool;
  throw new ConflictError(`Agent pool ${name} exists and was not made by kaito-ts for this workspace.`, {
    reason: 'AgentPoolNotOurs',
    fact: `Its tags are ${JSON.stringify(pool.tags)}.`,
    hints: ['Choose another workspace name: agent pools are named after it.'],
  });
};

const toProvision = (candidate: Candidate, request: NodesRequest, facts: Facts, azure: AzureFacts): Provision => {
  const { workspace, spot, endsByItself, keepNodes, nodeTimeoutMs } = request;
  const { instanceType, fit } = candidate;
  const { name, namespace } = workspace.metadata;
  const nodeSelector = nodeLabels({ name, namespace });
  const recorded = recordedPool(facts, instanceType);
  const { operation } = recorded ?? {};
  const poolName = recorded?.name ?? agentPoolName(workspace, instanceType.name);
  const pool = existingPool(workspace, instanceType, facts, azure);
  refuseSmallPool(pool, candidate, workspace, azure);
  const isThere = pool?.provisioningState === 'Succeeded' && !operation;
  // What was recorded and never came, or was removed behind our back, is asked for anew, as it is wanted now.
  const nodePool: NodePoolRecord = recorded && (pool || operation)
    ? // Somebody may have added nodes since.
      pool && recorded.count < fit.nodeCount ? { ...recorded, count: fit.nodeCount } : recorded
    : {
        subscriptionId: azure.cluster.subscriptionId,
        resourceGroup: azure.cluster.resourceGroup,
        cluster: azure.cluster.name,
        location: azure.cluster.location,
        name: poolName,
        instanceType: instanceType.name,
        count: fit.nodeCount,
        spot,
        ...(candidate.perHourUsd === undefined ? {} : { pricePerHourUsd: candidate.perHourUsd }),
        // The executor writes the moment in which it asks.
        requestedAt: '',
      };
  const nodesText = `${fit.nodeCount} x ${instanceType.name}`;
  return {
    nodes: { provisioner: 'aks', count: fit.nodeCount, gpusPerNode: instanceType.gpuCount, gpuMemoryGiB: instanceType.gpuMemoryGiB / instanceType.gpuCount, instanceType: instanceType.name },
    machine: toMachine(instanceType),
    nodeSelector,
    choices: choicesOf(candidate, nodesText, spot),
    checks: checksOf(candidate, azure),
    warnings: fit.warning === undefined ? [] : [fit.warning],
    ...costOf(candidate, request, azure),
    nodePool,
    leftovers: recorded ? [] : leftoversOf(facts, nodeTimeoutMs),
    before: [
      ...(isThere
        ? []
        : [
            {
              kind: 'create-agent-pool' as const,
              title: pool || operation ? `Take up agent pool ${poolName} (${nodesText})` : `Add agent pool ${poolName} (${nodesText})`,
              pool: {
                name: poolName,
                instanceType: instanceType.name,
                count: fit.nodeCount,
                ...(endsByItself && !keepNodes ? { autoscale: { minCount: 0, maxCount: fit.nodeCount } } : {}),
                osDiskGiB: Math.max(256, Math.ceil(request.diskGiB)),
                labels: { ...nodeSelector, ...workspace.resource.labelSelector.matchLabels },
                taints: ['sku=gpu:NoSchedule'],
                tags: agentPoolTags(workspace.metadata),
                spot,
                ...(wantsAzureLinux(workspace) ? { operatingSystem: 'AzureLinux' as const } : {}),
                ...(azure.cluster.subnetId === undefined ? {} : { subnetId: azure.cluster.subnetId }),
              },
              timeoutMs: nodeTimeoutMs,
              ...(operation ? { resume: operation } : {}),
            },
          ]),
      {
        kind: 'await-nodes',
        title: `Wait for ${fit.nodeCount === 1 ? 'the node' : `${fit.nodeCount} nodes`} to have ${instanceType.gpuCount} x nvidia.com/gpu allocatable`,
        labelSelector: labelSelectorText(nodeSelector),
        count: fit.nodeCount,
        gpusPerNode: instanceType.gpuCount,
        timeoutMs: nodeTimeoutMs,
      },
    ],
    after:
      endsByItself && !keepNodes
        ? [{ kind: 'delete-agent-pool', title: `Remove agent pool ${poolName}`, name: poolName, timeoutMs: nodeTimeoutMs, ...(operation?.kind === 'delete' ? { resume: operation } : {}) }]
        : [],
  };
};

/** The context length of a served model can be changed, and with it the number of nodes. Nobody else would add them, and the pods would wait for ever. */
const refuseSmallPool = (pool: AgentPool | undefined, { fit, instanceType }: Candidate, { metadata: { name, namespace } }: Workspace, { cluster }: AzureFacts): void => {
  const nodeCount = pool && (pool.autoscale?.maxCount ?? pool.count);
  if (!pool || nodeCount === undefined || nodeCount >= fit.nodeCount) return;
  throw new PreflightError(`${fit.nodeCount} x ${instanceType.name} are needed, and agent pool ${pool.name} has ${nodeCount}.`, {
    reason: 'AgentPoolTooSmall',
    fact: fit.why,
    hints: [`az aks nodepool scale --resource-group ${cluster.resourceGroup} --cluster-name ${cluster.name} --name ${pool.name} --node-count ${fit.nodeCount}`, `Or begin anew: kaito-ts delete ${name} -n ${namespace}`],
  });
};

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/consts/consts.go#L227 */
const wantsAzureLinux = ({ metadata: { annotations = {} } }: Workspace): boolean => annotations[kaitoAnnotation.nodeImageFamily]?.trim().toLowerCase() === 'azurelinux';

/** The pool of an earlier attempt with another instance type: nobody else would remember it. */
const leftoversOf = ({ record }: Facts, timeoutMs: number): Step[] => {
  const pool = record?.record.nodePool;
  if (!pool || pool.releasedAt !== undefined) return [];
  return [{ kind: 'delete-agent-pool', title: `Remove agent pool ${pool.name} (${pool.count} x ${pool.instanceType}) of an earlier attempt`, name: pool.name, timeoutMs }];
};

const choicesOf = ({ fit, why }: Candidate, nodesText: string, spot: boolean): Choice[] => [
  { what: 'instance-type', value: nodesText, why: `${why}: ${fit.why}` },
  ...(spot ? [{ what: 'spot', value: 'yes', why: '--spot: cheaper, and Azure may take the machine back at any time' }] : []),
];

const checksOf = ({ quota, instanceType }: Candidate, azure: AzureFacts): Check[] => [
  { what: 'login', verdict: 'passed', fact: azure.login },
  { what: 'cluster', verdict: 'passed', fact: `${azure.cluster.name} in ${azure.cluster.resourceGroup} (${azure.cluster.location}) is ${azure.cluster.powerState}` },
  { what: 'quota', verdict: quota.verdict === 'enough' ? 'passed' : 'unknown', fact: quota.fact },
  ...(azure.skus.length === 0 ? [{ what: 'size', verdict: 'unknown' as const, fact: `Azure did not say whether ${instanceType.name} is offered` }] : []),
];

const costOf = ({ perHourUsd, instanceType }: Candidate, { timeLimitMs, spot, keepNodes, nodeTimeoutMs }: NodesRequest, azure: AzureFacts): { cost?: Cost } => {
  const price = findPrice(instanceType.name, azure.cluster.location);
  if (perHourUsd === undefined || !price) return {};
  // Nodes that are kept cost money after the Job too.
  const limitMs = timeLimitMs === undefined || keepNodes ? undefined : timeLimitMs + nodeTimeoutMs;
  return {
    cost: {
      perHourUsd,
      source: `list price in ${azure.cluster.location} of ${price.asOf}${spot ? '; Spot costs less' : ''}`,
      ...(limitMs === undefined ? {} : { limitUsd: (perHourUsd * limitMs) / 3_600_000 }),
    },
  };
};

const toMachine = (instanceType: InstanceType): Machine => ({
  name: instanceType.name,
  gpuCount: instanceType.gpuCount,
  gpuModel: instanceType.gpuModel,
  gpuMemoryGiB: instanceType.gpuMemoryGiB / instanceType.gpuCount,
});
