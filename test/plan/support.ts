import { fileURLToPath } from 'node:url';
import type { ManagedCluster } from '../../src/domain/azure.ts';
import type { AzureFacts, Facts } from '../../src/domain/facts.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { ApplyStep, Plan } from '../../src/domain/plan.ts';
import type { Preset } from '../../src/domain/preset.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { readPresets, readTemplates } from '../../src/manifests/files.ts';
import type { ServingFlags } from '../../src/plan/serving-request.ts';
import type { TuningFlags } from '../../src/plan/tuning-request.ts';
import { managedCluster } from '../support/fakes.ts';
import { startOfTime } from '../support/manual-clock.ts';

const project = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The presets and templates that are shipped. */
export const catalogue = await readPresets(project('presets'));
export const templates = await readTemplates(project('templates'));

export const presetNamed = (name: string): Preset => {
  const found = catalogue.find((preset) => preset.name === name);
  if (!found) throw new Error(`The tests need a preset ${name}.`);
  return found;
};

export const tuningFlags = (changes: Partial<TuningFlags> = {}): TuningFlags => ({
  inputUrls: [],
  spot: false,
  keepNodes: false,
  timeLimitMs: 4 * 3_600_000,
  nodeTimeoutMs: 45 * 60_000,
  wait: true,
  training: {},
  preset: 'phi-3-mini',
  ...changes,
});

export const servingFlags = (changes: Partial<ServingFlags> = {}): ServingFlags => ({
  name: undefined,
  preset: 'phi-3-mini',
  adapter: [],
  adapterSecret: undefined,
  runtime: undefined,
  modelAccessSecret: undefined,
  config: undefined,
  instanceType: undefined,
  provisioner: undefined,
  nodes: undefined,
  spot: false,
  nodeTimeoutMs: 45 * 60_000,
  readinessTimeoutMs: undefined,
  wait: true,
  ...changes,
});

/** A subscription in eastus with quota for everything, unless said otherwise. */
export const azureFacts = (changes: Partial<AzureFacts> & { cluster?: ManagedCluster } = {}): AzureFacts => ({
  login: 'test login',
  cluster: managedCluster(),
  usages: quota({}),
  skus: [],
  agentPools: [],
  ...changes,
});

/** How many vCPUs of each limit are left; what is not named has plenty. */
export const quota = (left: Record<string, number>) =>
  ['StandardNVADSA10v5Family', 'StandardNCADSA100v4Family', 'StandardNCadsH100v5Family', 'cores', 'lowPriorityCores'].map((family) => ({ family, displayName: family, used: 1000 - (left[family] ?? 1000), limit: 1000 }));

export const facts = (changes: Partial<Facts> = {}): Facts => ({
  target: { context: 'test', server: 'https://test.example', namespace: 'default' },
  existing: [],
  nodes: [],
  defaultStorageClass: 'standard',
  storageClasses: ['standard'],
  secrets: {},
  permissions: [{ what: 'patch jobs.batch', isAllowed: true }],
  azure: azureFacts(),
  push: { canPush: true },
  ...changes,
});

export const stepKinds = ({ steps }: Plan): string[] => steps.map((step) => (step.kind === 'apply' ? `apply ${step.object.kind}` : step.kind));

/** What would be there when this plan had been carried out, as far as its record and objects go. */
export const afterwards = (plan: Plan, changes: Partial<OwnerRecord> = {}): Pick<Facts, 'record' | 'existing'> => {
  const written = plan.steps.find((step) => step.kind === 'record');
  return {
    record: {
      uid: 'uid-1',
      record: {
        workspace: plan.workspace,
        revision: written?.revision ?? 1,
        createdAt: new Date(startOfTime).toISOString(),
        ...(written?.nodePool ? { nodePool: { ...written.nodePool, requestedAt: new Date(startOfTime).toISOString() } } : {}),
        ...changes,
      },
    },
    existing: plan.steps.filter((step): step is ApplyStep => step.kind === 'apply').map(({ object }) => object),
  };
};

/** The agent pool of a plan as Azure has it later. */
export const poolOf = (plan: Plan, provisioningState = 'Succeeded'): AzureFacts['agentPools'] =>
  plan.steps.flatMap((step) =>
    step.kind === 'create-agent-pool' ? [{ ...step.pool, id: '/pool', powerState: 'Running', provisioningState }] : [],
  );

export const withStatus = (object: KubernetesObject, status: object): KubernetesObject => ({ ...object, status });
