import { isDeepStrictEqual } from 'node:util';
import { NotFoundError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { ApplyOptions, ApplyResult, Call } from './cluster.ts';
import { toObject } from './object.ts';
import type { Question } from './question.ts';
import type { Transport } from './transport.ts';

const fieldManager = 'kaito-ts';

/**
 * Server-side apply as raw JSON, so that fields which this program's types do not know arrive too. The API does not say
 * whether anything changed; the version before and after does. https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export const applyObject = async (
  transport: Transport,
  question: Question,
  object: KubernetesObject,
  { dryRun = false, force = false, ...call }: ApplyOptions & Call,
): Promise<ApplyResult> => {
  const before = await getObject(transport, { ...question, verb: 'get' }, call);
  const { body } = await transport.ask({
    question,
    method: 'PATCH',
    query: { fieldManager, force, fieldValidation: 'Strict', dryRun: dryRun ? 'All' : undefined },
    body: object,
    contentType: 'application/apply-patch+yaml',
    // The same apply twice leaves the same object, and the outcome is told from `before`.
    isRepeatable: true,
    ...call,
  });
  const after = toObject(body);
  if (before === undefined) return { object: after, outcome: 'created' };
  // A rehearsal gives out no new version, and a controller may have written the status in between: then the content tells.
  const isSame = (!dryRun && before.metadata.resourceVersion === after.metadata.resourceVersion) || isDeepStrictEqual(toContent(before), toContent(after));
  return { object: after, outcome: isSame ? 'unchanged' : 'configured' };
};

/** Undefined when there is no such object; NotFoundError when there is no such kind. */
export const getObject = async (transport: Transport, question: Question, call: Call): Promise<KubernetesObject | undefined> => {
  try {
    const { body } = await transport.ask({ question, method: 'GET', ...call });
    return toObject(body);
  } catch (error) {
    if (isMissingObject(error)) return undefined;
    throw error;
  }
};

export const isMissingObject = (error: unknown): boolean => error instanceof NotFoundError && error.reason === 'NotFound';

/** What people write: not the server's own account of the object. */
const toContent = ({ metadata, status: _status, ...rest }: KubernetesObject): unknown => {
  const kept = Object.entries(metadata).filter(([field]) => !['resourceVersion', 'managedFields', 'generation'].includes(field));
  return { ...rest, metadata: Object.fromEntries(kept) };
};
