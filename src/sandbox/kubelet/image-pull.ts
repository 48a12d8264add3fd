import { findImage, imageIdOf, isBaseImage, normalizeImage, notFoundText, pullMs, referenceProblem, renderDuration } from './images.ts';
import type { PodContext } from './pod-context.ts';
import { type ContainerRecord, fieldOf } from './pod-status.ts';

const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;

/** How long a registry takes to say no. */
const refusalMs = 700;

/**
 * Pulls the container's image to its node, as often as it takes.
 * https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/kubelet/images/image_manager.go
 */
export const ensureImage = async (record: ContainerRecord, context: PodContext): Promise<void> => {
  const { clock, ending, faults, nodeName, pulled } = context;
  const image = record.spec.image ?? '';
  const key = `${nodeName} ${normalizeImage(image)}`;
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string): void => context.happened({ type, reason, message, ...fieldOf(record) });
  const wait = (reason: string, message: string): void => {
    record.state = { kind: 'waiting', reason, message };
    tell('Warning', 'Failed', `Error: ${reason}`);
    context.changed();
  };
  const known = faults.has('image-pull') && isBaseImage(image) ? undefined : findImage(image);
  record.image = normalizeImage(image);

  const problem = referenceProblem(image);
  if (problem !== undefined) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${problem}`;
    tell('Warning', 'InspectFailed', message);
    wait('InvalidImageName', message);
    return await never(ending);
  }
  if (known && pulled.has(key) && record.spec.imagePullPolicy !== 'Always') {
    record.imageId = imageIdOf(image);
    tell('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    return;
  }
  if (record.spec.imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    tell('Warning', 'ErrImageNeverPull', message);
    wait('ErrImageNeverPull', message);
    return await never(ending);
  }

  for (let backOffMs = firstBackOffMs; ; backOffMs = Math.min(backOffMs * 2, longestBackOffMs)) {
    tell('Normal', 'Pulling', `Pulling image "${image}"`);
    if (known) {
      const durationMs = pulled.has(key) ? refusalMs : pullMs(known);
      await clock.sleep(durationMs, ending);
      pulled.add(key);
      record.imageId = imageIdOf(image);
      const duration = renderDuration(durationMs);
      tell('Normal', 'Pulled', `Successfully pulled image "${image}" in ${duration} (${duration} including waiting). Image size: ${known.sizeBytes} bytes.`);
      return;
    }
    await clock.sleep(refusalMs, ending);
    const refusal = notFoundText(image);
    tell('Warning', 'Failed', `Failed to pull image "${image}": ${refusal}`);
    wait('ErrImagePull', refusal);
    // The kubelet's next round finds the image in back-off.
    await clock.sleep(refusalMs, ending);
    tell('Normal', 'BackOff', `Back-off pulling image "${image}"`);
    wait('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${refusal}`);
    await clock.sleep(backOffMs, ending);
  }
};

/** Nothing but the pod's end can help. */
const never = (signal: AbortSignal): Promise<never> => {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
};
