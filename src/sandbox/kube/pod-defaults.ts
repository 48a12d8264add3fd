import { isRecord, type JsonRecord, listAt, recordAt, textAt } from './json.ts';

/** The defaults of a PodSpec, in a Pod as well as in a template, in place. */
export const applyPodTemplateDefaults = (spec: JsonRecord): void => {
  fill(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  for (const container of [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')]) {
    if (isRecord(container)) applyContainerDefaults(container);
  }
  for (const volume of listAt(spec, 'volumes')) if (isRecord(volume)) applyVolumeDefaults(volume);
};

const fill = (target: JsonRecord, values: JsonRecord): void => {
  for (const [field, value] of Object.entries(values)) if (target[field] === undefined) target[field] = value;
};

const applyContainerDefaults = (container: JsonRecord): void => {
  fill(container, {
    imagePullPolicy: hasMovingTag(textAt(container, 'image') ?? '') ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
  });
  for (const port of listAt(container, 'ports')) if (isRecord(port)) fill(port, { protocol: 'TCP' });
  for (const variable of listAt(container, 'env')) {
    const reference = recordAt(variable, 'valueFrom', 'fieldRef');
    if (Object.keys(reference).length > 0) fill(reference, { apiVersion: 'v1' });
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isRecord(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isRecord(probe['httpGet'])) fill(probe['httpGet'], { path: '/', scheme: 'HTTP' });
  }
};

/** `latest`, written or meant, is pulled each time. */
const hasMovingTag = (image: string): boolean => {
  if (image.includes('@')) return false;
  const [, tag] = image.slice(image.lastIndexOf('/') + 1).split(':');
  return tag === undefined || tag === 'latest';
};

/** 0644 in octal: files of these volumes are readable by all. */
const defaultMode = 420;

const applyVolumeDefaults = (volume: JsonRecord): void => {
  if (Object.keys(volume).every((field) => field === 'name')) volume['emptyDir'] = {};
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const settings = volume[source];
    if (isRecord(settings)) fill(settings, { defaultMode });
  }
};
