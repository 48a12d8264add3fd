import type { Kinds } from '../cluster/kinds.ts';
import { hasEnded } from './diagnose.ts';

type Pod = Kinds['Pod'];

/** Of the pods that a controller made one after the other, the one that tells how things stand. */
export const newestPod = (pods: Iterable<Pod>): Pod | undefined => [...pods].sort(compareNewestFirst)[0];

/** Times are whole seconds, and several that are turned away by their node may be of the same one as the pod that follows them. */
const compareNewestFirst = (left: Pod, right: Pod): number => createdAt(right).localeCompare(createdAt(left)) || Number(hasEnded(left)) - Number(hasEnded(right));

const createdAt = ({ metadata }: Pod): string => metadata.creationTimestamp ?? '';
