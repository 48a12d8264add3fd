/**
 * A field without a type is text; `[x]` is a list and `{x}` a map of them, `v1.X` a text of a type of its own, a name
 * alone a structure of this list. `any` is not looked into.
 */
export type FieldType = string;

const volumeSource =
  'awsElasticBlockStore:AWSElasticBlockStoreVolumeSource azureDisk:AzureDiskVolumeSource azureFile:AzureFileVolumeSource cephfs:CephFSVolumeSource cinder:CinderVolumeSource configMap:ConfigMapVolumeSource csi:CSIVolumeSource downwardAPI:DownwardAPIVolumeSource emptyDir:EmptyDirVolumeSource ephemeral:EphemeralVolumeSource fc:FCVolumeSource flexVolume:FlexVolumeSource flocker:FlockerVolumeSource gcePersistentDisk:GCEPersistentDiskVolumeSource gitRepo:GitRepoVolumeSource glusterfs:GlusterfsVolumeSource hostPath:HostPathVolumeSource image:ImageVolumeSource iscsi:ISCSIVolumeSource nfs:NFSVolumeSource persistentVolumeClaim:PersistentVolumeClaimVolumeSource photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource projected:ProjectedVolumeSource quobyte:QuobyteVolumeSource rbd:RBDVolumeSource scaleIO:ScaleIOVolumeSource secret:SecretVolumeSource storageos:StorageOSVolumeSource vsphereVolume:VsphereVirtualDiskVolumeSource';

/**
 * The fields of a pod template and of everything in it, by type, as the core/v1 API has them: what a
 * strict decoder knows. https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
const fieldLists: Readonly<Record<string, string>> = {
  AWSElasticBlockStoreVolumeSource: 'fsType partition:int32 readOnly:boolean volumeID',
  Affinity: 'nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity',
  AppArmorProfile: 'localhostProfile type:v1.AppArmorProfileType',
  AzureDiskVolumeSource: 'cachingMode:v1.AzureDataDiskCachingMode diskName diskURI fsType kind:v1.AzureDataDiskKind readOnly:boolean',
  AzureFileVolumeSource: 'readOnly:boolean secretName shareName',
  CSIVolumeSource: 'driver fsType nodePublishSecretRef:LocalObjectReference readOnly:boolean volumeAttributes:{string}',
  Capabilities: 'add:[v1.Capability] drop:[v1.Capability]',
  CephFSVolumeSource: 'monitors:[string] path readOnly:boolean secretFile secretRef:LocalObjectReference user',
  CinderVolumeSource: 'fsType readOnly:boolean secretRef:LocalObjectReference volumeID',
  ClusterTrustBundleProjection: 'labelSelector:LabelSelector name optional:boolean path signerName',
  ConfigMapEnvSource: 'name optional:boolean',
  ConfigMapKeySelector: 'key name optional:boolean',
  ConfigMapProjection: 'items:[KeyToPath] name optional:boolean',
  ConfigMapVolumeSource: 'defaultMode:int32 items:[KeyToPath] name optional:boolean',
  Container: 'args:[string] command:[string] env:[EnvVar] envFrom:[EnvFromSource] image imagePullPolicy:v1.PullPolicy lifecycle:Lifecycle livenessProbe:Probe name ports:[ContainerPort] readinessProbe:Probe resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy:v1.ContainerRestartPolicy restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe stdin:boolean stdinOnce:boolean terminationMessagePath terminationMessagePolicy:v1.TerminationMessagePolicy tty:boolean volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] workingDir',
  ContainerPort: 'containerPort:int32 hostIP hostPort:int32 name protocol:v1.Protocol',
  ContainerResizePolicy: 'resourceName:v1.ResourceName restartPolicy:v1.ResourceResizeRestartPolicy',
  ContainerRestartRule: 'action:v1.ContainerRestartRuleAction exitCodes:ContainerRestartRuleOnExitCodes',
  ContainerRestartRuleOnExitCodes: 'operator:v1.ContainerRestartRuleOnExitCodesOperator values:[int32]',
  DownwardAPIProjection: 'items:[DownwardAPIVolumeFile]',
  DownwardAPIVolumeFile: 'fieldRef:ObjectFieldSelector mode:int32 path resourceFieldRef:ResourceFieldSelector',
  DownwardAPIVolumeSource: 'defaultMode:int32 items:[DownwardAPIVolumeFile]',
  EmptyDirVolumeSource: 'medium:v1.StorageMedium sizeLimit:quantity',
  EnvFromSource: 'configMapRef:ConfigMapEnvSource prefix secretRef:SecretEnvSource',
  EnvVar: 'name value valueFrom:EnvVarSource',
  EnvVarSource: 'configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector',
  EphemeralContainer: 'args:[string] command:[string] env:[EnvVar] envFrom:[EnvFromSource] image imagePullPolicy:v1.PullPolicy lifecycle:Lifecycle livenessProbe:Probe name ports:[ContainerPort] readinessProbe:Probe resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy:v1.ContainerRestartPolicy restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe stdin:boolean stdinOnce:boolean targetContainerName terminationMessagePath terminationMessagePolicy:v1.TerminationMessagePolicy tty:boolean volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] workingDir',
  EphemeralVolumeSource: 'volumeClaimTemplate:PersistentVolumeClaimTemplate',
  ExecAction: 'command:[string]',
  FCVolumeSource: 'fsType lun:int32 readOnly:boolean targetWWNs:[string] wwids:[string]',
  FileKeySelector: 'key optional:boolean path volumeName',
  FlexVolumeSource: 'driver fsType options:{string} readOnly:boolean secretRef:LocalObjectReference',
  FlockerVolumeSource: 'datasetName datasetUUID',
  GCEPersistentDiskVolumeSource: 'fsType partition:int32 pdName readOnly:boolean',
  GRPCAction: 'port:int32 service',
  GitRepoVolumeSource: 'directory repository revision',
  GlusterfsVolumeSource: 'endpoints path readOnly:boolean',
  HTTPGetAction: 'host httpHeaders:[HTTPHeader] path port:intOrString scheme:v1.URIScheme',
  HTTPHeader: 'name value',
  HostAlias: 'hostnames:[string] ip',
  HostPathVolumeSource: 'path type:v1.HostPathType',
  ISCSIVolumeSource: 'chapAuthDiscovery:boolean chapAuthSession:boolean fsType initiatorName iqn iscsiInterface lun:int32 portals:[string] readOnly:boolean secretRef:LocalObjectReference targetPortal',
  ImageVolumeSource: 'pullPolicy:v1.PullPolicy reference',
  KeyToPath: 'key mode:int32 path',
  LabelSelector: 'matchExpressions:[LabelSelectorRequirement] matchLabels:{string}',
  LabelSelectorRequirement: 'key operator:v1.LabelSelectorOperator values:[string]',
  Lifecycle: 'postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:v1.Signal',
  LifecycleHandler: 'exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction',
  LocalObjectReference: 'name',
  ManagedFieldsEntry: 'apiVersion fieldsType fieldsV1:any manager operation:v1.ManagedFieldsOperationType subresource time:any',
  NFSVolumeSource: 'path readOnly:boolean server',
  NodeAffinity: 'preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm] requiredDuringSchedulingIgnoredDuringExecution:NodeSelector',
  NodeSelector: 'nodeSelectorTerms:[NodeSelectorTerm]',
  NodeSelectorRequirement: 'key operator:v1.NodeSelectorOperator values:[string]',
  NodeSelectorTerm: 'matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement]',
  ObjectFieldSelector: 'apiVersion fieldPath',
  ObjectMeta: 'annotations:{string} creationTimestamp:time deletionGracePeriodSeconds:int64 deletionTimestamp:time finalizers:[string] generateName generation:int64 labels:{string} managedFields:[ManagedFieldsEntry] name namespace ownerReferences:[OwnerReference] resourceVersion selfLink uid:types.UID',
  OwnerReference: 'apiVersion blockOwnerDeletion:boolean controller:boolean kind name uid:types.UID',
  PersistentVolumeClaimSpec: 'accessModes:[v1.PersistentVolumeAccessMode] dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference resources:VolumeResourceRequirements selector:LabelSelector storageClassName volumeAttributesClassName volumeMode:v1.PersistentVolumeMode volumeName',
  PersistentVolumeClaimTemplate: 'metadata:ObjectMeta spec:PersistentVolumeClaimSpec',
  PersistentVolumeClaimVolumeSource: 'claimName readOnly:boolean',
  PhotonPersistentDiskVolumeSource: 'fsType pdID',
  PodAffinity: 'preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]',
  PodAffinityTerm: 'labelSelector:LabelSelector matchLabelKeys:[string] mismatchLabelKeys:[string] namespaceSelector:LabelSelector namespaces:[string] topologyKey',
  PodAntiAffinity: 'preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]',
  PodCertificateProjection: 'certificateChainPath credentialBundlePath keyPath keyType maxExpirationSeconds:int32 signerName userAnnotations:{string}',
  PodDNSConfig: 'nameservers:[string] options:[PodDNSConfigOption] searches:[string]',
  PodDNSConfigOption: 'name value',
  PodOS: 'name:v1.OSName',
  PodReadinessGate: 'conditionType:v1.PodConditionType',
  PodResourceClaim: 'name resourceClaimName resourceClaimTemplateName',
  PodSchedulingGate: 'name',
  PodSchedulingGroup: 'podGroupName',
  PodSecurityContext: 'appArmorProfile:AppArmorProfile fsGroup:int64 fsGroupChangePolicy:v1.PodFSGroupChangePolicy runAsGroup:int64 runAsNonRoot:boolean runAsUser:int64 seLinuxChangePolicy:v1.PodSELinuxChangePolicy seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile supplementalGroups:[int64] supplementalGroupsPolicy:v1.SupplementalGroupsPolicy sysctls:[Sysctl] windowsOptions:WindowsSecurityContextOptions',
  PodSpec: 'activeDeadlineSeconds:int64 affinity:Affinity automountServiceAccountToken:boolean containers:[Container] dnsConfig:PodDNSConfig dnsPolicy:v1.DNSPolicy enableServiceLinks:boolean ephemeralContainers:[EphemeralContainer] hostAliases:[HostAlias] hostIPC:boolean hostNetwork:boolean hostPID:boolean hostUsers:boolean hostname hostnameOverride imagePullSecrets:[LocalObjectReference] initContainers:[Container] nodeName nodeSelector:{string} os:PodOS overhead:{quantity} preemptionPolicy:v1.PreemptionPolicy priority:int32 priorityClassName readinessGates:[PodReadinessGate] resourceClaims:[PodResourceClaim] resources:ResourceRequirements restartPolicy:v1.RestartPolicy runtimeClassName schedulerName schedulingGates:[PodSchedulingGate] schedulingGroup:PodSchedulingGroup securityContext:PodSecurityContext serviceAccount serviceAccountName setHostnameAsFQDN:boolean shareProcessNamespace:boolean subdomain terminationGracePeriodSeconds:int64 tolerations:[Toleration] topologySpreadConstraints:[TopologySpreadConstraint] volumes:[Volume]',
  PodTemplateSpec: 'metadata:ObjectMeta spec:PodSpec',
  PortworxVolumeSource: 'fsType readOnly:boolean volumeID',
  PreferredSchedulingTerm: 'preference:NodeSelectorTerm weight:int32',
  Probe: 'exec:ExecAction failureThreshold:int32 grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds:int32 periodSeconds:int32 successThreshold:int32 tcpSocket:TCPSocketAction terminationGracePeriodSeconds:int64 timeoutSeconds:int32',
  ProjectedVolumeSource: 'defaultMode:int32 sources:[VolumeProjection]',
  QuobyteVolumeSource: 'group readOnly:boolean registry tenant user volume',
  RBDVolumeSource: 'fsType image keyring monitors:[string] pool readOnly:boolean secretRef:LocalObjectReference user',
  ResourceClaim: 'name request',
  ResourceFieldSelector: 'containerName divisor:quantity resource',
  ResourceRequirements: 'claims:[ResourceClaim] limits:{quantity} requests:{quantity}',
  SELinuxOptions: 'level role type user',
  ScaleIOVolumeSource: 'fsType gateway protectionDomain readOnly:boolean secretRef:LocalObjectReference sslEnabled:boolean storageMode storagePool system volumeName',
  SeccompProfile: 'localhostProfile type:v1.SeccompProfileType',
  SecretEnvSource: 'name optional:boolean',
  SecretKeySelector: 'key name optional:boolean',
  SecretProjection: 'items:[KeyToPath] name optional:boolean',
  SecretVolumeSource: 'defaultMode:int32 items:[KeyToPath] optional:boolean secretName',
  SecurityContext: 'allowPrivilegeEscalation:boolean appArmorProfile:AppArmorProfile capabilities:Capabilities privileged:boolean procMount:v1.ProcMountType readOnlyRootFilesystem:boolean runAsGroup:int64 runAsNonRoot:boolean runAsUser:int64 seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile windowsOptions:WindowsSecurityContextOptions',
  ServiceAccountTokenProjection: 'audience expirationSeconds:int64 path',
  SleepAction: 'seconds:int64',
  StorageOSVolumeSource: 'fsType readOnly:boolean secretRef:LocalObjectReference volumeName volumeNamespace',
  Sysctl: 'name value',
  TCPSocketAction: 'host port:intOrString',
  Toleration: 'effect:v1.TaintEffect key operator:v1.TolerationOperator tolerationSeconds:int64 value',
  TopologySpreadConstraint: 'labelSelector:LabelSelector matchLabelKeys:[string] maxSkew:int32 minDomains:int32 nodeAffinityPolicy:v1.NodeInclusionPolicy nodeTaintsPolicy:v1.NodeInclusionPolicy topologyKey whenUnsatisfiable:v1.UnsatisfiableConstraintAction',
  TypedLocalObjectReference: 'apiGroup kind name',
  TypedObjectReference: 'apiGroup kind name namespace',
  Volume: `name ${volumeSource}`,
  VolumeDevice: 'devicePath name',
  VolumeMount: 'mountPath mountPropagation:v1.MountPropagationMode name readOnly:boolean recursiveReadOnly:v1.RecursiveReadOnlyMode subPath subPathExpr',
  VolumeProjection: 'clusterTrustBundle:ClusterTrustBundleProjection configMap:ConfigMapProjection downwardAPI:DownwardAPIProjection podCertificate:PodCertificateProjection secret:SecretProjection serviceAccountToken:ServiceAccountTokenProjection',
  VolumeResourceRequirements: 'limits:{quantity} requests:{quantity}',
  VolumeSource: volumeSource,
  VsphereVirtualDiskVolumeSource: 'fsType storagePolicyID storagePolicyName volumePath',
  WeightedPodAffinityTerm: 'podAffinityTerm:PodAffinityTerm weight:int32',
  WindowsSecurityContextOptions: 'gmsaCredentialSpec gmsaCredentialSpecName hostProcess:boolean runAsUserName',
};

export interface Field {
  name: string;
  type: FieldType;
}

const parseFields = (list: string): ReadonlyMap<string, Field> =>
  new Map(
    list.split(' ').filter(Boolean).map((field) => {
      const [name = '', type = 'string'] = field.split(':');
      // Go's decoder takes a name in any letter case.
      return [name.toLowerCase(), { name, type }] as const;
    }),
  );

const parsed = new Map<string, ReadonlyMap<string, Field>>();

/** By name in lower case; undefined for what is no type of ours. */
export const fieldsOf = (type: string): ReadonlyMap<string, Field> | undefined => {
  const list = Object.hasOwn(fieldLists, type) ? fieldLists[type] : undefined;
  if (list === undefined) return undefined;
  const known = parsed.get(type) ?? parseFields(list);
  parsed.set(type, known);
  return known;
};

/** Go has these fields in a structure inside the other, which shows in its messages only. */
const embedded: Readonly<Record<string, { name: string; isIn(field: string): boolean }>> = {
  Volume: { name: 'VolumeSource', isIn: (field) => field !== 'name' },
  Probe: { name: 'ProbeHandler', isIn: (field) => ['exec', 'httpget', 'tcpsocket', 'grpc'].includes(field) },
  EphemeralContainer: { name: 'EphemeralContainerCommon', isIn: (field) => field !== 'targetcontainername' },
  ...Object.fromEntries(['ConfigMapEnvSource', 'ConfigMapKeySelector', 'ConfigMapProjection', 'ConfigMapVolumeSource', 'SecretEnvSource', 'SecretKeySelector', 'SecretProjection'].map((type) => [type, { name: 'LocalObjectReference', isIn: (field: string) => field === 'name' }])),
};

export const embeddingOf = (type: string, field: string): string | undefined => {
  const inner = embedded[type];
  return inner?.isIn(field.toLowerCase()) ? inner.name : undefined;
};
