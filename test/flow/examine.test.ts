import { describe, expect, it } from 'vitest';
import { AccessError, FailedError, NotFoundError } from '../../src/domain/errors.ts';
import type { Requirement } from '../../src/domain/requirement.ts';
import { examine, type Examination } from '../../src/flow/examine.ts';
import { createFakeCloud, createFakeCluster, managedCluster, type FakeCloud, type FakeCluster } from '../support/fakes.ts';
import { node } from './support.ts';

const storageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } };
const usages = [{ family: 'StandardNVADSA10v5Family', displayName: '', used: 0, limit: 72 }];
const cloudOf = (changes: Partial<FakeCloud> = {}): FakeCloud => ({ ...createFakeCloud(), listUsages: async () => usages, ...changes });
const azureOf = (changes: Partial<FakeCloud> = {}): NonNullable<Examination['azure']> => ({ cloud: Promise.resolve(cloudOf(changes)), hint: {} });

const findings = async (changes: Partial<Examination> = {}): Promise<Record<string, Requirement>> => {
  const asked = examine({ cluster: Promise.resolve(createFakeCluster([storageClass, node('gpu')])), azure: azureOf(), signal: new AbortController().signal, ...changes });
  const answers = await Promise.all(asked.map(({ answer }) => answer));
  expect(answers.map(({ what }) => what)).toEqual(asked.map(({ what }) => what));
  return Object.fromEntries(answers.map((answer) => [answer.what, answer]));
};
const verdicts = (found: Record<string, Requirement>) => Object.fromEntries(Object.entries(found).map(([what, { verdict }]) => [what, verdict]));

describe('an examination', () => {
  it('finds everything in order', async () => {
    expect(new Set(Object.values(verdicts(await findings())))).toEqual(new Set(['passed']));
  });

  it('does not ask Azure about existing nodes', async () => {
    const asked = examine({ cluster: Promise.resolve(createFakeCluster([node('gpu')])), signal: new AbortController().signal });
    expect(asked.map(({ what }) => what)).toEqual(['kubeconfig', 'kubernetes', 'permissions', 'storage-class', 'gpu-nodes', 'device-plugin', 'gpu-provisioner', 'registry']);
  });

  it('asks on when there is no kubeconfig, and leaves unasked what builds on it', async () => {
    const found = await findings({ cluster: Promise.reject(new NotFoundError('There is no kubeconfig.', { hints: ['az aks get-credentials'] })) });
    expect(found['kubeconfig']).toEqual({ what: 'kubeconfig', verdict: 'refused', fact: 'There is no kubeconfig.', remedy: 'az aks get-credentials' });
    expect(found['kubernetes']).toEqual({ what: 'kubernetes', verdict: 'unknown', fact: 'there is no kubeconfig to go by' });
    expect(verdicts(found)).toMatchObject({ 'azure-login': 'passed', permissions: 'unknown', 'gpu-nodes': 'unknown', 'device-plugin': 'unknown', registry: 'passed' });
  });

  it('tells an API that does not answer once, and asks Azure all the same', async () => {
    const down: FakeCluster = { ...createFakeCluster(), serverVersion: async () => Promise.reject(new FailedError('No answer.', { fact: 'ECONNREFUSED' })) };
    const found = await findings({ cluster: Promise.resolve(down) });
    expect(found['kubernetes']).toMatchObject({ verdict: 'refused', fact: 'No answer. ECONNREFUSED' });
    expect(found['storage-class']).toEqual({ what: 'storage-class', verdict: 'unknown', fact: 'the Kubernetes API was not reached' });
    expect(verdicts(found)).toMatchObject({ kubeconfig: 'passed', 'azure-login': 'passed', 'aks-cluster': 'passed', 'gpu-quota': 'passed' });
  });

  it('tells a login that is missing once', async () => {
    const found = await findings({ azure: azureOf({ login: async () => Promise.reject(new AccessError('Not logged in.', { hints: ['az login'] })) }) });
    expect(found['azure-login']).toMatchObject({ verdict: 'refused', fact: 'Not logged in.', remedy: 'az login' });
    expect(found['aks-cluster']).toMatchObject({ verdict: 'unknown', fact: 'there is no Azure login' });
    expect(verdicts(found)).toMatchObject({ 'node-auto-provisioning': 'unknown', 'gpu-quota': 'unknown', 'storage-class': 'passed' });
  });

  it('says that the AKS cluster is not there, or does not run', async () => {
    expect(verdicts(await findings({ azure: azureOf({ findManagedCluster: async () => Promise.reject(new NotFoundError('No AKS cluster fits.')) }) }))).toMatchObject({ 'aks-cluster': 'refused', 'gpu-quota': 'unknown' });
    expect(verdicts(await findings({ azure: azureOf({ findManagedCluster: async () => managedCluster({ powerState: 'Stopped' }) }) }))).toMatchObject({ 'aks-cluster': 'refused', 'gpu-quota': 'passed' });
  });

  it('takes what may not be listed for unknown', async () => {
    const cluster = createFakeCluster([storageClass, node('gpu')]);
    for (const kind of ['StorageClass', 'DaemonSet', 'Deployment'] as const) cluster.break(kind, new AccessError(`You may not list ${kind}.`));
    const found = await findings({ cluster: Promise.resolve(cluster) });
    expect(verdicts(found)).toMatchObject({ 'storage-class': 'unknown', 'device-plugin': 'unknown', 'gpu-provisioner': 'unknown', 'gpu-nodes': 'passed' });
    expect(found['storage-class']?.fact).toBe('You may not list StorageClass.');
  });

  it('goes on after a defect of its own, and calls it one', async () => {
    const cluster: FakeCluster = { ...createFakeCluster([storageClass, node('gpu')]), create: () => Promise.reject(new TypeError('x is not a function')) };
    expect(await findings({ cluster: Promise.resolve(cluster) })).toMatchObject({ permissions: { verdict: 'unknown', fact: 'a defect in kaito-ts: x is not a function' }, 'gpu-nodes': { verdict: 'passed' } });
  });

  it('says which permissions are missing', async () => {
    const cluster: FakeCluster = { ...createFakeCluster([storageClass, node('gpu')]), create: async (object) => ({ ...object, status: { allowed: !JSON.stringify(object).includes('jobs') } }) };
    expect((await findings({ cluster: Promise.resolve(cluster) }))['permissions']).toMatchObject({ verdict: 'refused', fact: 'in namespace default: get jobs.batch: no; create jobs.batch: no; patch jobs.batch: no; watch jobs.batch: no; delete jobs.batch: no' });
  });

  it('knows gpu-provisioner by its image', async () => {
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'kaito-gpu', namespace: 'kube-system' }, spec: { template: { spec: { containers: [{ name: 'c', image: 'mcr.microsoft.com/aks/kaito/gpu-provisioner:0.4.3' }] } } }, status: { readyReplicas: 1 } };
    expect((await findings({ cluster: Promise.resolve(createFakeCluster([storageClass, node('gpu'), deployment])) }))['gpu-provisioner']?.fact).toMatch(/^kube-system\/kaito-gpu runs/);
    const scaledDown = { ...deployment, status: {} };
    expect((await findings({ cluster: Promise.resolve(createFakeCluster([storageClass, node('gpu'), scaledDown])) }))['gpu-provisioner']?.fact).toBe('does not run');
  });

  it('tries a push with the credentials of the Secret', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'acr' }, data: { '.dockerconfigjson': 'e30=' } };
    const given: unknown[] = [];
    const registry: NonNullable<Examination['registry']> = {
      prefix: 'r.example/a',
      secret: 'acr',
      async push(secrets) {
        given.push(secrets['acr']?.data);
        return { canPush: false, reason: 'refused', fact: '403' };
      },
    };
    const cluster = createFakeCluster([storageClass, node('gpu'), secret]);
    expect((await findings({ cluster: Promise.resolve(cluster), registry }))['registry']).toMatchObject({ verdict: 'refused', fact: 'r.example/a refuses a push: 403' });
    expect(given).toEqual([secret.data]);
    expect((await findings({ registry }))['registry']).toMatchObject({ verdict: 'refused', fact: 'Secret acr does not exist', remedy: expect.stringContaining('docker-registry acr') });
  });
});
