import { ConflictError, KaitoError, PreflightError, UsageError } from '../domain/errors.ts';
import { describeObject, type KubernetesObject } from '../domain/kubernetes.ts';
import type { Plan } from '../domain/plan.ts';
import type { Effects } from './session.ts';

/**
 * Asks the API server about everything that is applied once the nodes are there, and about the pods of it: a policy, a quota
 * or a webhook that refuses must do so before anybody pays for nodes. Dry runs, which write nothing.
 */
export const rehearse = async (plan: Plan, { cluster, signal }: Effects): Promise<void> => {
  // What goes first cannot be changed, and the rehearsal would be refused.
  const replaced = new Set(plan.steps.flatMap((step) => (step.kind === 'delete-object' ? [describeObject(step.object)] : [])));
  const objects = plan.steps.flatMap((step) => (step.kind === 'apply' && !replaced.has(describeObject({ kind: step.object.kind, name: step.object.metadata.name })) ? [step.object] : []));
  const tellRefusal = async (object: KubernetesObject, isRefusal: (error: unknown) => boolean): Promise<void> => {
    try {
      await cluster.apply(object, { dryRun: true, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusal(error)) throw error;
    }
  };
  for (const object of objects) {
    await tellRefusal(object, isFinal);
    const pod = toPod(object);
    // Only its controller must be permitted to make it; what else is wrong with it, the controller may add.
    if (pod) await tellRefusal(pod, (error) => error instanceof PreflightError);
  }
};

/** A server that stumbles may have recovered when the nodes are there, and not every webhook can be asked in a dry run. */
const isFinal = (error: unknown): boolean =>
  error instanceof PreflightError || error instanceof UsageError || error instanceof ConflictError || (error instanceof KaitoError && error.reason === 'WebhookFailed');

/** The pod that the object's controller will make. */
const toPod = ({ metadata, spec }: KubernetesObject): KubernetesObject | undefined => {
  if (!isRecord(spec) || !isRecord(spec['template']) || !isRecord(spec['template']['spec'])) return undefined;
  const { template } = spec;
  const { labels, annotations } = isRecord(template['metadata']) ? template['metadata'] : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(isRecord(labels) ? { labels: toTexts(labels) } : {}),
      ...(isRecord(annotations) ? { annotations: toTexts(annotations) } : {}),
    },
    spec: template['spec'],
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const toTexts = (map: Record<string, unknown>): Record<string, string> => Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]));
