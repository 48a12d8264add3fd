import { invalid, methodNotAllowed } from './errors.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { isRecord, textAt, valueAt } from './json.ts';
import { toTimestamp } from './store.ts';
import { readObject } from './target-object.ts';

/** Questions about the asker: who am I, and may I do that? They are answered in the `status` of what was posted. */
export const answerReview = async (exchange: Exchange): Promise<void> => {
  const { target, request, response, api, user } = exchange;
  if (request.method !== 'POST') throw methodNotAllowed();
  const review = await readObject(exchange, 'Warn');
  const metadata = { ...review.metadata, creationTimestamp: toTimestamp(api.clock.now()) };
  const status =
    target.resource.kind === 'SelfSubjectReview' ? { userInfo: { username: user.name, groups: user.groups } } : accessStatus(exchange, review['spec']);
  sendJson(response, 201, { ...review, metadata, status });
};

const accessStatus = ({ api, user }: Exchange, spec: unknown): { allowed: boolean; reason?: string } => {
  const attributes = valueAt(spec, 'resourceAttributes');
  if (!isRecord(attributes)) {
    // Paths outside of the resources, such as /version, are everybody's.
    if (isRecord(valueAt(spec, 'nonResourceAttributes'))) return { allowed: true };
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid('authorization.k8s.io', '', '', [{ type: 'Invalid', field: 'spec.resourceAttributes', value: null, detail }]);
  }
  const allowed = api.authorize({
    user,
    verb: textAt(attributes, 'verb') ?? '*',
    group: textAt(attributes, 'group') ?? '',
    resource: textAt(attributes, 'resource') ?? '',
    subresource: textAt(attributes, 'subresource') ?? '',
    namespace: textAt(attributes, 'namespace') || undefined,
    name: textAt(attributes, 'name') || undefined,
  });
  return { allowed };
};
