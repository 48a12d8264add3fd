import { randomBytes } from 'node:crypto';
import { AdmissionregistrationV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { configOf } from '../cluster/real/pods.ts';
import { waitFor } from '../cluster/real/waiting.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import type { OnTestFinished } from './templates.ts';
import { aTuning, type Tuning } from './tunings.ts';

/** What a Job, a ReplicaSet or a StatefulSet is told that was accepted and may not make its pod. */
describe.concurrent('a namespace that takes the workload and refuses its pods', { timeout: 400_000 }, () => {
  const node = useGpuNode({ gpuCount: 4 });
  const [first, second] = [useGpuNode(), useGpuNode()];
  const rig = useRig();

  /** Of each test's own, for what refuses is for all of a namespace. */
  const newNamespace = async (onTestFinished: OnTestFinished): Promise<string> => {
    const { core } = rig().api;
    const name = `e2e-refused-${randomBytes(4).toString('hex')}`;
    await core.createNamespace({ body: { metadata: { name } } });
    onTestFinished(async () => void (await core.deleteNamespace({ name }).catch(() => undefined)));
    const { data = {}, type = '' } = await core.readNamespacedSecret({ namespace: rig().namespace, name: 'registry-credentials' });
    await core.createNamespacedSecret({ namespace: name, body: { metadata: { name: 'registry-credentials' }, type, data } });
    await core.createNamespacedSecret({ namespace: name, body: { metadata: { name: 'hf-token' }, stringData: { HF_TOKEN: 'hf_test' } } });
    await waitFor(`the service account of ${name}`, 90_000, async () => (await core.listNamespacedServiceAccount({ namespace: name })).items.length > 0);
    return name;
  };

  /** Refuses the pods of controllers only: whoever tries a pod out beforehand sees nothing of it. Returns what lifts it. */
  const refuseByPolicy = async (namespace: string, onTestFinished: OnTestFinished): Promise<() => Promise<void>> => {
    const admission = configOf(rig().cluster).makeApiClient(AdmissionregistrationV1Api);
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
    const validations = [{ expression: '!has(object.metadata.ownerReferences)', message: 'No pods of controllers without a cost centre.' }];
    await admission.createValidatingAdmissionPolicy({ body: { metadata: { name: namespace }, spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: [rule] }, validations } } });
    const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
    await admission.createValidatingAdmissionPolicyBinding({ body: { metadata: { name: namespace }, spec: { policyName: namespace, validationActions: ['Deny'], matchResources } } });
    const owned = { metadata: { name: 'probe', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'any', uid: 'any' }] }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    const isRefused = (): Promise<boolean> => rig().api.core.createNamespacedPod({ namespace, dryRun: 'All', body: owned }).then(() => false, (error: { code?: number }) => error.code === 422);
    const lift = async (): Promise<void> => {
      await admission.deleteValidatingAdmissionPolicyBinding({ name: namespace }).catch(() => undefined);
      await admission.deleteValidatingAdmissionPolicy({ name: namespace }).catch(() => undefined);
      await waitFor('the end of the policy', 40_000, async () => !(await isRefused()));
    };
    onTestFinished(lift);
    // It takes effect a little after it was made.
    await waitFor('the policy', 40_000, isRefused);
    return lift;
  };

  const restrict = async (namespace: string): Promise<() => Promise<void>> => {
    const label = (value: string | null) => rig().api.core.patchNamespace({ name: namespace, body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': value } } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    await label('restricted');
    return async () => void (await label(null));
  };

  const limit = async (namespace: string, hard: Record<string, string>): Promise<() => Promise<void>> => {
    const { core } = rig().api;
    await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: 'small' }, spec: { hard } } });
    await waitFor('the quota to be counted', 40_000, async () => (await core.readNamespacedResourceQuota({ namespace, name: 'small' })).status?.used !== undefined);
    return async () => void (await core.deleteNamespacedResourceQuota({ namespace, name: 'small' }));
  };

  const tune = async (namespace: string): Promise<Tuning> => {
    const { name, args } = await aTuning(rig, node());
    return { name, args: [...args, '-n', namespace] };
  };
  const serve = async (namespace: string): Promise<Tuning> => ({ name: 'refused', args: ['serve', 'refused', '--preset', 'phi-3-mini', '--nodes', node().selector, '-n', namespace] });
  const serveOnSeveral = async (namespace: string): Promise<Tuning> => {
    const { core } = rig().api;
    // One selector for both nodes, each with a GPU of a size that makes it need both.
    const labels = [{ op: 'add', path: `/metadata/labels/together~1${namespace}`, value: 'yes' }, { op: 'add', path: '/metadata/labels/nvidia.com~1gpu.memory', value: '122880' }];
    for (const { name } of [first(), second()]) await core.patchNode({ name, body: labels });
    return { name: 'refused', args: ['serve', 'refused', '--preset', 'llama-3.3-70b-instruct', '--nodes', `together/${namespace}=yes`, '--model-access-secret', 'hf-token', '-n', namespace] };
  };

  const commands = { tune, serve, 'serve on several nodes': serveOnSeveral };
  const kinds = { tune: 'Job', serve: 'Deployment', 'serve on several nodes': 'StatefulSet' };
  const refusals = {
    'a policy': { refuse: (namespace: string, onTestFinished: OnTestFinished) => refuseByPolicy(namespace, onTestFinished), fact: /denied request: No pods of controllers without a cost centre\./ },
    'the restricted Pod Security standard': { refuse: restrict, fact: /violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/ },
    'a quota that is smaller than the pod': { refuse: (namespace: string) => limit(namespace, { 'requests.nvidia.com/gpu': '0' }), fact: /exceeded quota: small, requested: requests\.nvidia\.com\/gpu=\d, used: requests\.nvidia\.com\/gpu=0, limited: requests\.nvidia\.com\/gpu=0/ },
  };
  type Case = { command: keyof typeof commands; by: keyof typeof refusals };

  it.for<Case>([
    { command: 'tune', by: 'a policy' },
    { command: 'tune', by: 'the restricted Pod Security standard' },
    { command: 'serve', by: 'a policy' },
    { command: 'serve', by: 'a quota that is smaller than the pod' },
    { command: 'serve on several nodes', by: 'a policy' },
  ])('is not waited for, and is named: $command, $by; when it is lifted, the same command ends well', async ({ command, by }, { onTestFinished }) => {
    const { refuse, fact } = refusals[by];
    const { core, batch } = rig().api;
    const namespace = await newNamespace(onTestFinished);
    const lift = await refuse(namespace, onTestFinished);
    const { name, args } = await commands[command](namespace);

    const { stdout, stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(new RegExp(`^error: .* cannot run\\.\\n {2}${kinds[command]}/${name} cannot make its pod: .*${fact.source}`, 'm'));
    expect(stderr).toMatch(new RegExp(`^hint: kubectl describe ${kinds[command].toLowerCase()} ${name} -n ${namespace}$`, 'm'));
    expect(stdout).toBe('');
    expect(exitCode).toBe(exitCodes.workloadFailed);

    const { items: pods } = await core.listNamespacedPod({ namespace });
    expect(pods).toEqual([]);
    // A Job that was left would try again whenever it likes.
    expect((await batch.listNamespacedJob({ namespace })).items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)).toEqual([]);
    const { items } = JSON.parse((await rig.run(['status', name, '-n', namespace, '-o', 'json'])).stdout) as { items: object[] };
    expect(items).toEqual([expect.objectContaining({ state: command === 'tune' ? 'Failed' : 'Pending', why: expect.stringMatching(fact) })]);

    await lift();
    const again = await rig.run(args);
    expect(again.exitCode, again.stderr).toBe(0);
    expect((await rig.run(['delete', name, '-n', namespace])).exitCode).toBe(0);
  });

  it.for(['tune', 'serve'] as const)('has room again for what %s waits for', async (command, { onTestFinished }) => {
    const namespace = await newNamespace(onTestFinished);
    const { core } = rig().api;
    const { name, args } = await commands[command](namespace);
    await core.createNamespacedPod({ namespace, body: { metadata: { name: 'other' }, spec: { nodeName: 'nowhere', containers: [{ name: 'a', image: 'a' }] } } });
    await limit(namespace, { pods: '1' });
    const running = rig.start(args, {}, onTestFinished);
    await running.until('stderr', new RegExp(`${kinds[command]}/${name} cannot make its pod: .*exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1`));
    await core.deleteNamespacedPod({ namespace, name: 'other', gracePeriodSeconds: 0 });
    const { stdout, stderr, exitCode } = await running.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(command === 'tune' ? /^adapter: .*@sha256:/m : /^endpoint: /m);
    expect((await rig.run(['delete', name, '-n', namespace])).exitCode).toBe(0);
  });
});
