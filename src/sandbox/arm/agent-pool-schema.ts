import { z } from 'zod';
import { aksError, type ArmError, armError } from './errors.ts';

const text = z.string();
const int = z.int32();
const flag = z.boolean();
const texts = z.array(text);
const textMap = z.record(text, text);
/** An ARM id; the service checks that it looks like one before anything else. */
const armId = text.regex(/^\/subscriptions\/[^/]+\/.+/i);
/** Read-only: taken and ignored, so that what a client has read can be sent back. */
const readOnly = z.unknown().optional();

const sysctls = z.strictObject({
  netCoreSomaxconn: int,
  netCoreNetdevMaxBacklog: int,
  netCoreRmemDefault: int,
  netCoreRmemMax: int,
  netCoreWmemDefault: int,
  netCoreWmemMax: int,
  netCoreOptmemMax: int,
  netIpv4TcpMaxSynBacklog: int,
  netIpv4TcpMaxTwBuckets: int,
  netIpv4TcpFinTimeout: int,
  netIpv4TcpKeepaliveTime: int,
  netIpv4TcpKeepaliveProbes: int,
  netIpv4TcpkeepaliveIntvl: int.min(10).max(90),
  netIpv4TcpTwReuse: flag,
  netIpv4IpLocalPortRange: text,
  netIpv4NeighDefaultGcThresh1: int,
  netIpv4NeighDefaultGcThresh2: int,
  netIpv4NeighDefaultGcThresh3: int,
  netNetfilterNfConntrackMax: int.min(131_072).max(2_097_152),
  netNetfilterNfConntrackBuckets: int.min(65_536).max(524_288),
  fsInotifyMaxUserWatches: int,
  fsFileMax: int,
  fsAioMaxNr: int,
  fsNrOpen: int,
  kernelThreadsMax: int,
  vmMaxMapCount: int,
  vmSwappiness: int,
  vmVfsCachePressure: int,
});

const dnsOverrides = z.record(
  text,
  z
    .strictObject({
      queryLogging: z.enum(['Error', 'Log']),
      protocol: z.enum(['PreferUDP', 'ForceTCP']),
      forwardDestination: z.enum(['ClusterCoreDNS', 'VnetDNS']),
      forwardPolicy: z.enum(['Sequential', 'RoundRobin', 'Random']),
      maxConcurrent: int,
      cacheDurationInSeconds: int,
      serveStaleDurationInSeconds: int,
      serveStale: z.enum(['Verify', 'Immediate', 'Disable']),
    })
    .partial(),
);

/**
 * What a client may write about an agent pool, in api-version 2026-06-01. Nothing is required here: what a pool cannot be
 * without is the service's business, see `agent-pool-rules.ts`.
 * https://learn.microsoft.com/rest/api/aks/agent-pools/create-or-update
 */
const agentPoolProperties = z
  .strictObject({
    vmSize: text,
    count: int.min(0).max(1000),
    enableAutoScaling: flag,
    minCount: int.min(0).max(1000),
    maxCount: int.min(0).max(1000),
    mode: z.enum(['System', 'User', 'Gateway']),
    type: z.enum(['VirtualMachineScaleSets', 'AvailabilitySet', 'VirtualMachines']),
    osType: z.enum(['Linux', 'Windows']),
    osSKU: z.enum(['Ubuntu', 'Ubuntu2204', 'Ubuntu2404', 'AzureLinux', 'AzureLinux3', 'AzureContainerLinux', 'CBLMariner', 'Windows2019', 'Windows2022', 'Windows2025']),
    osDiskSizeGB: int.min(0).max(2048),
    osDiskType: z.enum(['Managed', 'Ephemeral']),
    kubeletDiskType: z.enum(['OS', 'Temporary']),
    workloadRuntime: z.enum(['OCIContainer', 'KataVmIsolation', 'WasmWasi']),
    messageOfTheDay: text,
    nodeLabels: textMap,
    nodeTaints: texts,
    tags: textMap,
    scaleSetPriority: z.enum(['Spot', 'Regular']),
    scaleSetEvictionPolicy: z.enum(['Delete', 'Deallocate']),
    spotMaxPrice: z.number(),
    scaleDownMode: z.enum(['Delete', 'Deallocate']),
    availabilityZones: texts,
    powerState: z.strictObject({ code: z.enum(['Running', 'Stopped']) }).partial(),
    orchestratorVersion: text,
    nodeImageVersion: text,
    maxPods: int.min(10).max(250),
    gpuInstanceProfile: z.enum(['MIG1g', 'MIG2g', 'MIG3g', 'MIG4g', 'MIG7g']),
    gpuProfile: z.strictObject({ driver: z.enum(['Install', 'None']) }).partial(),
    upgradeSettings: z
      .strictObject({
        maxSurge: text,
        maxUnavailable: text,
        drainTimeoutInMinutes: int.min(1).max(1440),
        nodeSoakDurationInMinutes: int.min(0).max(30),
        undrainableNodeBehavior: z.enum(['Cordon', 'Schedule']),
      })
      .partial(),
    vnetSubnetID: armId,
    podSubnetID: armId,
    podIPAllocationMode: z.enum(['DynamicIndividual', 'StaticBlock']),
    enableNodePublicIP: flag,
    nodePublicIPPrefixID: armId,
    proximityPlacementGroupID: armId,
    capacityReservationGroupID: armId,
    hostGroupID: armId,
    creationData: z.strictObject({ sourceResourceId: text }).partial(),
    enableEncryptionAtHost: flag,
    enableUltraSSD: flag,
    enableFIPS: flag,
    kubeletConfig: z
      .strictObject({
        cpuManagerPolicy: text,
        cpuCfsQuota: flag,
        cpuCfsQuotaPeriod: text,
        imageGcHighThreshold: int,
        imageGcLowThreshold: int,
        topologyManagerPolicy: text,
        allowedUnsafeSysctls: texts,
        failSwapOn: flag,
        containerLogMaxSizeMB: int,
        containerLogMaxFiles: int.min(2),
        podMaxPids: int,
      })
      .partial(),
    linuxOSConfig: z
      .strictObject({
        sysctls: sysctls.partial(),
        transparentHugePageEnabled: text,
        transparentHugePageDefrag: text,
        swapFileSizeMB: int,
      })
      .partial(),
    networkProfile: z
      .strictObject({
        nodePublicIPTags: z.array(z.strictObject({ ipTagType: text, tag: text }).partial()),
        allowedHostPorts: z.array(
          z.strictObject({ portStart: int.min(1).max(65_535), portEnd: int.min(1).max(65_535), protocol: z.enum(['TCP', 'UDP']) }).partial(),
        ),
        applicationSecurityGroups: texts,
        dranet: z.strictObject({ mode: z.enum(['Unmanaged', 'Managed']) }).partial(),
      })
      .partial(),
    securityProfile: z.strictObject({ enableVTPM: flag, enableSecureBoot: flag, sshAccess: z.enum(['LocalUser', 'Disabled', 'EntraId']) }).partial(),
    windowsProfile: z.strictObject({ disableOutboundNat: flag }).partial(),
    gatewayProfile: z.strictObject({ publicIPPrefixSize: int.min(28).max(31) }).partial(),
    artifactStreamingProfile: z.strictObject({ enabled: flag }).partial(),
    virtualMachinesProfile: z
      .strictObject({
        scale: z
          .strictObject({
            manual: z.array(z.strictObject({ size: text, count: int.min(0) }).partial()),
            autoscale: z.array(z.strictObject({ size: text, minCount: int.min(0), maxCount: int.min(0) }).partial()),
          })
          .partial(),
      })
      .partial(),
    virtualMachineNodesStatus: z.array(z.strictObject({ size: text, count: int }).partial()),
    localDNSProfile: z
      .strictObject({ mode: z.enum(['Preferred', 'Required', 'Disabled']), state: readOnly, vnetDNSOverrides: dnsOverrides, kubeDNSOverrides: dnsOverrides })
      .partial(),
    eTag: readOnly,
    provisioningState: readOnly,
    currentOrchestratorVersion: readOnly,
    status: readOnly,
  })
  .partial()
  .transform(({ eTag: _eTag, provisioningState: _state, currentOrchestratorVersion: _version, status: _status, ...writable }) => writable);

export type AgentPoolProperties = z.infer<typeof agentPoolProperties>;

const agentPool = z.strictObject({ id: readOnly, name: readOnly, type: readOnly, systemData: readOnly, properties: agentPoolProperties.default({}) });

/** Reads the body of a PUT; throws an ArmError in the service's words about the first thing that is wrong with it. */
export const parseAgentPool = (body: string): AgentPoolProperties => {
  const { data, error } = agentPool.safeParse(parseJson(body), { reportInput: true });
  if (data !== undefined) return data.properties;
  const [issue] = error.issues;
  if (issue === undefined) throw aksError(400, 'BadRequest', 'The request body is invalid.');
  throw toError(issue);
};

const parseJson = (body: string): unknown => {
  try {
    // A null is as good as nothing, as it is for the service.
    return JSON.parse(body, (_, value: unknown) => (value === null ? undefined : value));
  } catch (error) {
    throw armError(400, 'InvalidRequestContent', `The request content was invalid and could not be deserialized: '${String(error)}'.`);
  }
};

const toError = (issue: z.core.$ZodIssue): ArmError => {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return cannotUnmarshal(`unknown field "${issue.keys[0]}"`);
  if (issue.code === 'invalid_type') return cannotUnmarshal(`cannot unmarshal ${jsonTypeOf(issue.input)} into Go struct field ${path} of type ${issue.expected}`);
  return invalidParameter(path.replace(/^properties\./, ''), `${issue.message}.`);
};

const cannotUnmarshal = (reason: string): ArmError => aksError(400, 'UnmarshalError', `UnmarshalEntity encountered error: json: ${reason}.`);

/** A value of the right type that cannot be. The service names pool parameters after its older `agentPoolProfile`. */
export const invalidParameter = (name: string, reason: string): ArmError =>
  aksError(
    400,
    'InvalidParameter',
    `The value of parameter agentPoolProfile.${name} is invalid. Error details: ${reason} Please see https://aka.ms/aks-naming-rules for more details.`,
    `agentPoolProfile.${name}`,
  );

const jsonTypeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
