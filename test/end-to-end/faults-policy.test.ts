import { randomBytes } from 'node:crypto';
import { AdmissionregistrationV1Api } from '@kubernetes/client-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { configOf } from '../cluster/real/pods.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { useRig } from './rig.ts';

describe('a namespace that refuses', () => {
  const rig = useRig();

  const newNamespace = async (labels: Record<string, string> = {}): Promise<string> => {
    const { core } = rig().api;
    const name = `e2e-policy-${randomBytes(4).toString('hex')}`;
    await core.createNamespace({ body: { metadata: { name, labels } } });
    onTestFinished(async () => void (await core.deleteNamespace({ name }).catch(() => undefined)));
    await waitFor(`the service account of ${name}`, patienceMs, async () => (await core.listNamespacedServiceAccount({ namespace: name })).items.length > 0);
    return name;
  };

  const admission = () => configOf(rig().cluster).makeApiClient(AdmissionregistrationV1Api);

  /** A policy takes effect a little after it was made. */
  const untilRefused = (what: string, tryOut: () => Promise<unknown>) => waitFor(what, patienceMs, () => tryOut().then(() => false, () => true));

  const refuseByPolicy = async (namespace: string, apiGroup: string, plural: string, tryOut: () => Promise<unknown>): Promise<void> => {
    const rule = { apiGroups: [apiGroup], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: [plural] };
    const validations = [{ expression: 'false', message: 'No such thing without a cost centre.' }];
    await admission().createValidatingAdmissionPolicy({ body: { metadata: { name: namespace }, spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: [rule] }, validations } } });
    const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
    await admission().createValidatingAdmissionPolicyBinding({ body: { metadata: { name: namespace }, spec: { policyName: namespace, validationActions: ['Deny'], matchResources } } });
    onTestFinished(async () => {
      await admission().deleteValidatingAdmissionPolicyBinding({ name: namespace });
      await admission().deleteValidatingAdmissionPolicy({ name: namespace });
    });
    await untilRefused(`the policy on ${plural}`, tryOut);
  };

  const limit = async (namespace: string, hard: Record<string, string>): Promise<void> => {
    const { core } = rig().api;
    await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: 'small' }, spec: { hard } } });
    await waitFor('the quota to be counted', patienceMs, async () => (await core.readNamespacedResourceQuota({ namespace, name: 'small' })).status?.used !== undefined);
  };

  const template = { metadata: { labels: { a: 'b' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } };
  const configMap = (namespace: string) => rig().api.core.createNamespacedConfigMap({ namespace, dryRun: 'All', body: { metadata: { name: 'probe' } } });
  const deployment = (namespace: string) => rig().api.apps.createNamespacedDeployment({ namespace, dryRun: 'All', body: { metadata: { name: 'probe' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { ...template, spec: { ...template.spec, restartPolicy: 'Always' } } } } });
  const pod = (namespace: string) => rig().api.core.createNamespacedPod({ namespace, dryRun: 'All', body: { ...template, metadata: { name: 'probe' } } });

  it.each<{ by: string; prepare: () => Promise<string>; exitCode: number; message: RegExp; fact: RegExp }>([
    {
      by: 'a ValidatingAdmissionPolicy on ConfigMaps',
      prepare: async () => {
        const namespace = await newNamespace();
        await refuseByPolicy(namespace, '', 'configmaps', () => configMap(namespace));
        return namespace;
      },
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses ConfigMap\/refused-kaito in namespace/,
      fact: /denied request: No such thing without a cost centre\./,
    },
    {
      by: 'a ValidatingAdmissionPolicy on Deployments',
      prepare: async () => {
        const namespace = await newNamespace();
        await refuseByPolicy(namespace, 'apps', 'deployments', () => deployment(namespace));
        return namespace;
      },
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses Deployment\/refused in namespace/,
      fact: /denied request: No such thing without a cost centre\./,
    },
    {
      by: 'a ValidatingAdmissionPolicy on pods',
      prepare: async () => {
        const namespace = await newNamespace();
        await refuseByPolicy(namespace, '', 'pods', () => pod(namespace));
        return namespace;
      },
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses Pod\/refused in namespace/,
      fact: /denied request: No such thing without a cost centre\./,
    },
    {
      by: 'the restricted Pod Security standard',
      prepare: () => newNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' }),
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses Pod\/refused in namespace/,
      fact: /violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    },
    {
      by: 'a quota of GPUs',
      prepare: async () => {
        const namespace = await newNamespace();
        await limit(namespace, { 'requests.nvidia.com/gpu': '0' });
        return namespace;
      },
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses Pod\/refused in namespace/,
      fact: /exceeded quota: small, requested: requests\.nvidia\.com\/gpu=1, used: requests\.nvidia\.com\/gpu=0, limited: requests\.nvidia\.com\/gpu=0/,
    },
    {
      by: 'a quota of ConfigMaps',
      prepare: async () => {
        const namespace = await newNamespace();
        await limit(namespace, { 'count/configmaps': '0' });
        return namespace;
      },
      exitCode: exitCodes.preflightRefused,
      message: /A policy of the cluster refuses ConfigMap\/refused-kaito in namespace/,
      fact: /exceeded quota: small/,
    },
    {
      by: 'its own end',
      prepare: async () => {
        const { core } = rig().api;
        const namespace = await newNamespace();
        await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'holder', finalizers: ['kaito-ts.example/hold'] } } });
        await core.deleteNamespace({ name: namespace });
        onTestFinished(async () => void (await core.patchNamespacedConfigMap({ namespace, name: 'holder', body: [{ op: 'remove', path: '/metadata/finalizers' }] })));
        return namespace;
      },
      exitCode: exitCodes.conflict,
      message: /The namespace e2e-policy-\w+ is being deleted\./,
      fact: /because it is being terminated/,
    },
    {
      by: 'a webhook that does not answer',
      prepare: async () => {
        const namespace = await newNamespace();
        const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }];
        const webhook = { name: 'absent.kaito-ts.example', admissionReviewVersions: ['v1'], sideEffects: 'None', timeoutSeconds: 1, clientConfig: { url: 'https://127.0.0.1:9/judge' }, rules, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
        await admission().createValidatingWebhookConfiguration({ body: { metadata: { name: namespace }, webhooks: [webhook] } });
        onTestFinished(async () => void (await admission().deleteValidatingWebhookConfiguration({ name: namespace })));
        await untilRefused('the webhook', () => deployment(namespace));
        return namespace;
      },
      exitCode: exitCodes.failed,
      message: /The API server could not ask an admission webhook about Deployment\/refused\./,
      fact: /failed calling webhook "absent\.kaito-ts\.example"/,
    },
  ])('does so before anything is rented or written: $by', async ({ prepare, exitCode, message, fact }) => {
    const namespace = await prepare();
    const result = await rig.run(['serve', 'refused', '--preset', 'phi-3-mini', '-n', namespace]);
    expect(result.stderr).toMatch(new RegExp(`^error: ${message.source}`, 'm'));
    expect(result.stderr).toMatch(fact);
    expect(result.stderr).toMatch(/^hint: /m);
    expect(result.stdout).toBe('');
    expect(result.exitCode).toBe(exitCode);
    expect(rig().azure.requests().filter(({ method }) => method !== 'GET')).toEqual([]);
    const { items } = await rig().api.core.listNamespacedConfigMap({ namespace, labelSelector: 'kaito.sh/workspace' });
    expect(items).toEqual([]);
  });
});
