import type { Kinds } from '../../src/cluster/kinds.ts';
import { InterruptedError } from '../../src/domain/errors.ts';
import type { Event } from '../../src/domain/event.ts';
import type { Plan, Step } from '../../src/domain/plan.ts';
import type { NodePoolRecord, OwnerRecord } from '../../src/domain/record.ts';
import type { Workspace } from '../../src/domain/workspace.ts';
import { execute } from '../../src/flow/execute.ts';
import { parseRecord, renderRecord } from '../../src/flow/record.ts';
import { createSession, type Session } from '../../src/flow/session.ts';
import { createFakeCloud, createFakeCluster, managedCluster, type FakeCloud, type FakeCluster } from '../support/fakes.ts';
import { follow, type Following } from '../support/following.ts';
import { createManualClock, startOfTime, type ManualClock } from '../support/manual-clock.ts';

export const tuningWorkspace = (changes: Partial<Workspace> = {}): Workspace => ({
  apiVersion: 'kaito.sh/v1beta1',
  kind: 'Workspace',
  metadata: { name: 'tuned', namespace: 'default' },
  resource: { instanceType: 'Standard_NV36ads_A10_v5', labelSelector: { matchLabels: { apps: 'tuned' } } },
  tuning: {
    preset: { name: 'phi-3-mini-128k-instruct' },
    method: 'qlora',
    input: { urls: ['https://example.com/train.jsonl'] },
    output: { image: 'registry.example/adapters/tuned:1' },
  },
  ...changes,
});

export const servingWorkspace = (changes: Partial<Workspace> = {}): Workspace => ({
  apiVersion: 'kaito.sh/v1beta1',
  kind: 'Workspace',
  metadata: { name: 'served', namespace: 'default' },
  resource: { instanceType: 'Standard_NV36ads_A10_v5', labelSelector: { matchLabels: { apps: 'served' } } },
  inference: { preset: { name: 'phi-3-mini-128k-instruct' } },
  ...changes,
});

export const nodePool = (changes: Partial<NodePoolRecord> = {}): NodePoolRecord => ({
  subscriptionId: '00000000-0000-0000-0000-000000000001',
  resourceGroup: 'group',
  cluster: 'test',
  location: 'eastus',
  name: 'kpool',
  instanceType: 'Standard_NV36ads_A10_v5',
  count: 1,
  spot: false,
  pricePerHourUsd: 3.2,
  requestedAt: new Date(startOfTime).toISOString(),
  ...changes,
});

export const record = (changes: Partial<OwnerRecord> = {}): OwnerRecord => ({
  workspace: tuningWorkspace(),
  revision: 1,
  createdAt: new Date(startOfTime).toISOString(),
  ...changes,
});

export const planOf = (steps: Step[], workspace: Workspace = tuningWorkspace()): Plan => ({
  version: 1,
  command: workspace.tuning ? 'tune' : 'serve',
  workspace,
  target: { context: 'test', server: 'https://test.example', namespace: 'default' },
  choices: [],
  checks: [],
  nodes: { provisioner: 'aks', count: 1, gpusPerNode: 1 },
  steps,
  warnings: [],
});

/** One step or plan at a time, with everything around it fake. */
export interface Stage {
  cluster: FakeCluster;
  cloud: FakeCloud;
  clock: ManualClock;
  /** As Ctrl-C and SIGTERM do. */
  interrupt(signal?: 'SIGINT' | 'SIGTERM'): void;
  session(plan?: Plan): Session;
  execute(plan: Plan): Following<Event, OwnerRecord>;
  /** What the owner record in the cluster says now. */
  stored(): OwnerRecord | undefined;
}

export const createStage = (stored?: OwnerRecord, cloud: FakeCloud = createFakeCloud()): Stage => {
  const cluster = createFakeCluster(stored ? [renderRecord(stored)] : []);
  const clock = createManualClock();
  const interruption = new AbortController();
  const read = (): { uid: string; record: OwnerRecord } | undefined => {
    const object = cluster.find('ConfigMap', `${(stored?.workspace ?? tuningWorkspace()).metadata.name}-kaito`);
    return object && parseRecord(object);
  };
  const effects = { cluster, clock, signal: interruption.signal, azure: { cloud, managedCluster: managedCluster() } };
  return {
    cluster,
    cloud,
    clock,
    interrupt: (signal = 'SIGINT') => interruption.abort(new InterruptedError(signal)),
    session: (plan = planOf([], stored?.workspace)) => createSession(plan, effects, read()),
    execute: (plan) => follow(execute(plan, read(), effects)),
    stored: () => read()?.record,
  };
};

/** Events as short lines, for comparing their order. */
export const shortly = (events: readonly Event[]): string[] =>
  events.map((event) => {
    switch (event.type) {
      case 'stepStarted':
        return `start ${event.step.kind}`;
      case 'stepDone':
        return `done ${event.step.kind}${event.detail === undefined ? '' : `: ${event.detail}`}`;
      case 'waiting':
        return `waiting: ${event.reason}`;
      case 'note':
      case 'warning':
        return `${event.type}: ${event.message}`;
      case 'applied':
        return `applied ${event.object.kind}/${event.object.name}: ${event.outcome}`;
      case 'deleted':
        return `deleted ${event.object.kind}/${event.object.name}: ${event.existed ? 'was there' : 'was gone'}`;
      case 'progress':
        return `progress: ${JSON.stringify(event.progress)}`;
      default:
        return event.type;
    }
  });

type ContainerStatus = NonNullable<NonNullable<Kinds['Pod']['status']>['containerStatuses']>[number];

export const container = (name: string, state: ContainerStatus['state'], changes: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: 'mcr.example/kaito-base:1',
  imageID: '',
  ready: state?.running !== undefined,
  restartCount: 0,
  ...(state ? { state } : {}),
  ...changes,
});

export const running = (name: string): ContainerStatus => container(name, { running: {} });
export const waiting = (name: string, reason: string, message?: string): ContainerStatus => container(name, { waiting: { reason, ...(message === undefined ? {} : { message }) } });
export const ended = (name: string, exitCode: number, more: { reason?: string; message?: string } = {}): ContainerStatus => container(name, { terminated: { exitCode, ...more } });

export interface PodShape {
  name?: string;
  phase?: string;
  reason?: string;
  message?: string;
  nodeName?: string | undefined;
  init?: ContainerStatus[];
  containers?: ContainerStatus[];
  conditions?: NonNullable<NonNullable<Kinds['Pod']['status']>['conditions']>;
  restartPolicy?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  createdAt?: string;
}

export const pod = ({ name = 'pod', phase = 'Running', reason, message, nodeName = 'node-a', init, containers, conditions, restartPolicy = 'Never', labels = {}, annotations = {}, createdAt }: PodShape = {}): Kinds['Pod'] => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-of-${name}`, labels, annotations, ...(createdAt === undefined ? {} : { creationTimestamp: createdAt }) },
  spec: { containers: [], restartPolicy, ...(nodeName === '' ? {} : { nodeName }) },
  status: {
    phase,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(init ? { initContainerStatuses: init } : {}),
    ...(containers ? { containerStatuses: containers } : {}),
    ...(conditions ? { conditions } : {}),
  },
});

export const warningEvent = (about: Kinds['Pod'], reason: string, message: string): Kinds['Event'] => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${about.metadata.name}.${reason}`, namespace: 'default' },
  type: 'Warning',
  reason,
  message,
  involvedObject: { kind: 'Pod', name: about.metadata.name, ...(about.metadata.uid === undefined ? {} : { uid: about.metadata.uid }) },
});

export const node = (name: string, { isReady = true, gpus = 1, labels = {}, message, since }: { isReady?: boolean; gpus?: number; labels?: Record<string, string>; message?: string; since?: string } = {}): Kinds['Node'] => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  status: {
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', ...(message === undefined ? {} : { message }), ...(since === undefined ? {} : { lastTransitionTime: since }) }],
    ...(gpus === 0 ? {} : { allocatable: { 'nvidia.com/gpu': String(gpus) } }),
  },
});

export const job = (status: Kinds['Job']['status'], name = 'tuned'): Kinds['Job'] => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default', labels: { 'kaito.sh/workspace': name, 'app.kubernetes.io/managed-by': 'kaito-ts' } },
  ...(status ? { status } : {}),
});

export const jobCondition = (type: 'Complete' | 'Failed', more: { reason?: string; message?: string } = {}) => ({ conditions: [{ type, status: 'True', ...more }] });
