import { describe, expect, it } from 'vitest';
import { mayRecover, toCloudError } from '../../src/cloud/errors.ts';
import type { FailureContext } from '../../src/cloud/errors.ts';
import { flattenFailure, parseFailure } from '../../src/cloud/failure.ts';
import type { CloudFailure } from '../../src/cloud/failure.ts';
import { exitCodes } from '../../src/domain/errors.ts';
import type { ExitCode } from '../../src/domain/errors.ts';

const context: FailureContext = {
  doing: 'creating agent pool kphi',
  cluster: { name: 'one', resourceGroup: 'demo' },
  instanceType: 'Standard_NC24ads_A100_v4',
  location: 'eastus',
  subscriptionId: 's',
};

/** Texts that Azure has been seen to answer; names and ids are made up. */
const seen: { code?: string; statusCode?: number; message: string; exitCode: ExitCode; reason?: string; says?: RegExp; hint?: RegExp }[] = [
  {
    statusCode: 400,
    code: 'ErrCode_InsufficientVCPUQuota',
    message:
      'Insufficient regional vcpu quota left for location westus2. left regional vcpu quota 4, requested quota 6. If you want to increase the quota, please follow this instruction: https://learn.microsoft.com/en-us/azure/quotas/view-quotas. Surge nodes would also consume vcpu quota, please consider use smaller maxSurge or use maxUnavailable',
    exitCode: exitCodes.quota,
    says: /6 vCPUs of Total Regional Cores are needed and 4 are left/,
    hint: /learn\.microsoft\.com\/azure\/quotas\/view-quotas/,
  },
  {
    statusCode: 400,
    code: 'ErrCode_InsufficientVCPUQuota',
    message: 'Insufficient vcpu quota requested 24, remaining 0 for family StandardNCADSA100v4Family for region eastus. Surge nodes would also consume vcpu quota.',
    exitCode: exitCodes.quota,
    says: /24 vCPUs of StandardNCADSA100v4Family are needed and 0 are left/,
    hint: /--instance-type Standard_NC24ads_A100_v4,Standard_NC40ads_H100_v5/,
  },
  {
    code: 'OperationNotAllowed',
    message:
      'Operation could not be completed as it results in exceeding approved LowPriorityCores quota. Additional details - Deployment Model: Resource Manager, Location: eastus, Current Limit: 3, Current Usage: 0, Additional Required: 24, (Minimum) New Limit Required: 24.',
    exitCode: exitCodes.quota,
    says: /24 vCPUs of LowPriorityCores are needed and 3 are left \(limit 3, used 0\)/,
    hint: /Leave --spot out/,
  },
  { code: 'OperationNotAllowed', message: 'Submit a request for Quota increase at https://aka.ms/ProdportalCRP', exitCode: exitCodes.quota },
  {
    statusCode: 400,
    code: 'VMSizeNotSupported',
    message: "Virtual Machine size: 'Standard_NC24ads_A100_v4' is not supported for subscription s in location 'eastus'. Please refer to aka.ms/aks/vm-size-selector for more details.",
    exitCode: exitCodes.capacity,
    says: /Azure does not offer Standard_NC24ads_A100_v4 to this subscription in eastus/,
    hint: /az vm list-skus --size Standard_NC24ads_A100_v4/,
  },
  {
    statusCode: 400,
    code: 'BadRequest',
    message: `The VM size of AgentPoolProfile:x is not allowed in your subscription in location 'westus'. The available VM sizes are '${'standard_a1,'.repeat(500)}'`,
    exitCode: exitCodes.capacity,
    reason: 'BadRequest',
  },
  {
    code: 'SkuNotAvailable',
    message:
      "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: Standard_NC24ads_A100_v4' is currently not available in location 'eastus'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable",
    exitCode: exitCodes.capacity,
  },
  { statusCode: 400, code: 'AvailabilityZoneNotSupported', message: "The zone(s) '1' for resource 'kphi' is not supported. The supported zones for location 'eastus' are '2','3'", exitCode: exitCodes.capacity, hint: /zones/ },
  { code: 'AllocationFailed', message: 'The VM allocation failed due to an internal error. Please retry later or try deploying to a different location.', exitCode: exitCodes.capacity },
  { code: 'ZonalAllocationFailed', message: 'Allocation failed. We do not have sufficient capacity for the requested VM size in this zone.', exitCode: exitCodes.capacity, hint: /zones out/ },
  {
    code: 'OverconstrainedAllocationRequest',
    message: 'Create or update VMSS failed. Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Constraints applied are: - Low Priority VMs - VM Size',
    exitCode: exitCodes.capacity,
    hint: /Leave --spot out/,
  },
  { code: 'AksCapacityHeavyUsage', message: 'The region is heavily used.', exitCode: exitCodes.capacity },
  {
    statusCode: 409,
    code: 'OperationNotAllowed',
    message: 'Operation is not allowed: Another agentpool operation (nodepool1 - Creating) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details',
    exitCode: exitCodes.conflict,
  },
  { statusCode: 409, code: 'OperationNotAllowed', message: "Operation is not allowed because there's an in progress create node pool operation", exitCode: exitCodes.conflict },
  { code: 'AKSOperationPreempted', message: 'This operation has been preempted by another operation with ID 1.', exitCode: exitCodes.conflict },
  { statusCode: 412, code: 'PreconditionFailed', message: 'The condition is not satisfied.', exitCode: exitCodes.conflict },
  { statusCode: 409, message: 'Conflict', exitCode: exitCodes.conflict, reason: 'Http409' },
  { statusCode: 400, code: 'InvalidParameter', message: 'The value of parameter agentPoolProfile.name is invalid. Please see https://aka.ms/aks-naming-rules for more details.', exitCode: exitCodes.usage },
  { statusCode: 400, code: 'PropertyChangeNotAllowed', message: "Changing property 'properties.nodeTaints' is not allowed.", exitCode: exitCodes.usage },
  { statusCode: 400, code: 'BadRequest', message: "Invalid node label key kubernetes.azure.com/x. The 'kubernetes.azure.com' prefix is preserved by aks system labels", exitCode: exitCodes.usage },
  { statusCode: 404, code: 'ResourceNotFound', message: "The Resource 'Microsoft.ContainerService/managedClusters/one' under resource group 'demo' was not found.", exitCode: exitCodes.notFound, hint: /az aks list --subscription s/ },
  {
    statusCode: 409,
    code: 'MissingSubscriptionRegistration',
    message: "The subscription is not registered to use namespace 'Microsoft.Compute'. See https://aka.ms/rps-not-found for how to register subscriptions.",
    exitCode: exitCodes.preflightRefused,
    hint: /^az provider register --namespace Microsoft\.Compute --subscription s$/,
  },
  { statusCode: 403, code: 'LinkedAuthorizationFailed', message: "The client 'x' with object id '1' has permission to perform action 'a' on scope 'b'; however, it does not have permission to perform action 'subnets/join/action' on the linked scope(s) '/subnets/c'.", exitCode: exitCodes.access, says: /subnets\/join\/action is needed/, hint: /--assignee 1 --scope \/subnets\/c$/ },
  { statusCode: 403, code: 'RequestDisallowedByPolicy', message: "Resource 'kphi' was disallowed by policy. Policy identifiers: '[]'.", exitCode: exitCodes.access, says: /A policy of the subscription forbids creating agent pool kphi/ },
  { statusCode: 401, code: 'ExpiredAuthenticationToken', message: 'The access token expiry UTC time is earlier than the current UTC time.', exitCode: exitCodes.access },
  { statusCode: 401, code: 'InvalidAuthenticationTokenTenant', message: "The access token is from the wrong issuer 'https://sts.windows.net/a/'.", exitCode: exitCodes.access, hint: /az login --tenant/ },
  { statusCode: 403, message: 'Forbidden', exitCode: exitCodes.access },
  { statusCode: 429, code: 'Throttled', message: "The PutAgentPoolHandler.PUT request limit has been exceeded for SubID='s', please retry again in 40 seconds.", exitCode: exitCodes.failed },
  {
    statusCode: 400,
    code: 'OperationNotAllowed',
    message: 'managed cluster is in Provisioning State(Succeeded) and Power State(Stopped), stopping cannot be performed',
    exitCode: exitCodes.preflightRefused,
    hint: /^az aks start --resource-group demo --name one$/,
  },
  { code: 'NodesNotReady', message: 'Not all nodes reached Ready state. Expected: 2, Actual: 0', exitCode: exitCodes.failed, hint: /kubectl get nodes/ },
  {
    code: 'VMExtensionProvisioningError',
    message: "VM has reported a failure when processing extension 'vmssCSE'. Error message: Enable failed: failed to execute command: command terminated with exit status=84",
    exitCode: exitCodes.failed,
    says: /the GPU driver did not start/,
  },
  { code: 'InternalOperationError', message: 'Operation timeout, please retry.', exitCode: exitCodes.failed, reason: 'InternalOperationError' },
];

describe('toCloudError', () => {
  it.each(seen)('$statusCode $code: $message', ({ exitCode, reason, says, hint, ...failure }) => {
    const error = toCloudError(failure, context);
    expect(error.exitCode).toBe(exitCode);
    expect(error.reason).toBe(reason ?? failure.code ?? `Http${failure.statusCode}`);
    expect(failure.message.startsWith(error.fact?.replace(/ …$/, '') ?? '?')).toBe(true);
    expect(error.message).toMatch(says ?? /\.$/);
    if (hint) expect(error.hints.some((candidate) => hint.test(candidate)), error.hints.join('\n')).toBe(true);
  });

  it.each(seen.filter(({ code }) => code !== undefined))('finds the same when it is nested: $message', ({ exitCode, reason: _reason, says: _says, hint: _hint, statusCode, ...inner }) => {
    const wrapped: CloudFailure = { ...(statusCode === undefined ? {} : { statusCode: 400 }), code: 'CreateVMSSAgentPoolFailed', message: 'See details.', details: [{ message: 'Outer', details: [inner] }] };
    expect(toCloudError(wrapped, context)).toMatchObject({ exitCode, reason: inner.code });
  });

  it('finds a code that a message only quotes', () => {
    const message = 'Code="ReconcileVMSSAgentPoolFailed" Message="failed: Code=\\"OperationNotAllowed\\" Message=\\"Operation could not be completed as it results in exceeding approved Total Regional Cores quota.\\""';
    expect(toCloudError({ code: 'BadRequest', message }, context).exitCode).toBe(exitCodes.quota);
    expect(toCloudError({ message: 'autorest: failure: Code="SkuNotAvailable" Message="The requested size is not available."' }, context)).toMatchObject({ exitCode: exitCodes.capacity, reason: 'SkuNotAvailable' });
    expect(toCloudError({ message: 'Failed: {"code": "AllocationFailed", "message": "No capacity."}' }, context)).toMatchObject({ exitCode: exitCodes.capacity, reason: 'AllocationFailed' });
  });

  it('tells Compute that is asked too often from a quota and from another operation', () => {
    const failure = { code: 'ReconcileVMSSAgentPoolFailed', message: 'Retriable: false', details: [{ code: 'TooManyRequests', message: 'The server rejected the request because too many requests have been received.' }] };
    expect(toCloudError(failure, context)).toMatchObject({ exitCode: exitCodes.failed, reason: 'TooManyRequests' });
  });

  it('tells what the details say beyond the text, and nothing twice', () => {
    const failure = { code: 'NodesNotReady', message: 'Not all nodes reached Ready state.', details: [{ code: 'NodesNotReady', message: 'Not all nodes reached Ready state.' }, { code: 'CniFailed', message: 'The network plugin of aks-a did not start.' }] };
    expect(toCloudError(failure, context).fact).toBe('Not all nodes reached Ready state.\nThe network plugin of aks-a did not start.');
  });

  it('leaves a list of all sizes out of the fact', () => {
    const message = `The VM size of AgentPoolProfile:x is not allowed in your subscription in location 'westus'. The available VM sizes are '${'standard_a1,'.repeat(500)}'`;
    expect(toCloudError({ message }, context).fact).toBe("The VM size of AgentPoolProfile:x is not allowed in your subscription in location 'westus'.");
    expect(toCloudError({ message: 'word '.repeat(1000) }, context).fact?.length).toBeLessThan(610);
  });

  it('names what Azure could be asked about when nothing else is known', () => {
    expect(toCloudError({ statusCode: 500, message: 'Oops', requestId: 'abc' }, context).hints).toEqual(["Azure's support asks for the correlation id: abc"]);
  });
});

describe('parseFailure', () => {
  it('reads what AKS answers, what Azure Resource Manager answers and what an operation holds alike', () => {
    const said = { code: 'QuotaExceeded', message: 'None left.' };
    expect(parseFailure(JSON.stringify({ ...said, details: null, subcode: '' }))).toEqual(said);
    expect(parseFailure(JSON.stringify({ error: said }))).toEqual(said);
    expect(parseFailure(JSON.stringify({ name: '42', status: 'Failed', error: { ...said, details: [{ code: 'Inner', message: 'x', target: 't' }] } }))).toEqual({
      ...said,
      details: [{ code: 'Inner', message: 'x', target: 't' }],
    });
  });

  it.each(['', 'null', '[]', '<html>Bad Gateway</html>', '{"value":[]}'])('makes nothing of %j', (body) => {
    expect(parseFailure(body)).toBeUndefined();
  });

  it('lists what is nested and what is quoted, outermost first', () => {
    const failure: CloudFailure = { code: 'A', message: 'Code="Quoted" Message="b"', details: [{ code: 'C', message: 'c', details: [{ code: 'D', message: 'd' }] }] };
    expect(flattenFailure(failure).map(({ code }) => code)).toEqual(['A', 'Quoted', 'C', 'D']);
  });
});

describe('mayRecover', () => {
  it('is true where AKS goes on by itself, and not for want of quota', () => {
    expect(mayRecover({ code: 'ReconcileVMSSAgentPoolFailed', message: '' })).toBe(true);
    expect(mayRecover({ code: 'QuotaExceeded', message: '' })).toBe(false);
  });
});
