import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { ApplyStep } from '../domain/plan.ts';
import { describeObject } from '../domain/kubernetes.ts';

/** Says what an object was rendered as, so that a second run sees without writing that nothing is to be written. */
const contentAnnotation = 'kaito-ts/content';

const withContentHash = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [contentAnnotation]: hashOf(object) } },
});

const hashOf = (value: unknown): string => createHash('sha256').update(toStableJson(value)).digest('hex').slice(0, 16);

/** JSON with sorted keys: equal values are equal texts. */
export const toStableJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))) : inner,
  );

/** What of the wanted objects is not there yet, or there otherwise. */
export const planApplies = (wanted: readonly { object: KubernetesObject; owned: boolean }[], existing: readonly KubernetesObject[]): ApplyStep[] =>
  wanted.flatMap(({ object, owned }) => {
    const hashed = withContentHash(object);
    const there = existing.find((candidate) => candidate.kind === object.kind && candidate.metadata.name === object.metadata.name);
    if (there?.metadata.annotations?.[contentAnnotation] === hashed.metadata.annotations?.[contentAnnotation]) return [];
    return [{ kind: 'apply' as const, title: `${there ? 'Change' : 'Create'} ${describeObject({ kind: object.kind, name: object.metadata.name })}`, object: hashed, owned }];
  });
