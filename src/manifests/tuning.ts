import type { Preset, TuningSettings } from '../domain/preset.ts';
import type { DataDestination, DataSource, Workspace } from '../domain/workspace.ts';
import { BugError } from '../domain/errors.ts';
import { fullImageReference } from '../domain/image-reference.ts';
import { credentialsVolume } from './credentials.ts';
import type { Templates } from './files.ts';
import { defaultImages, type Images } from './images.ts';
import { isJsonMap, toJson, toJsonMap, type Json } from './json.ts';
import { toPullReference } from './pull-reference.ts';
import { renderObject, type RenderedObject } from './rendered-object.ts';
import { resolveTemplate, type Values } from './template.ts';
import { renderTrainingConfig, toTrainerYaml, type TrainingOverrides } from './training-config.ts';

export interface TuningRendering {
  workspace: Workspace;
  preset: Preset;
  tuning: TuningSettings;
  overrides: TrainingOverrides;
  /** Labels of the nodes that the pod may run on. */
  nodeSelector: Record<string, string>;
  revision: number;
  timeLimitMs: number;
  /** Of a claim that is made here; absent: the cluster's default. */
  storageClass?: string;
  images?: Partial<Images>;
}

/**
 * What a tuning is made of, in the order in which it is applied: the claim for the adapter, the trainer's configuration, the
 * Job. The trainer gets one GPU even on a machine with several: with more, each would write the adapter and say it was done.
 */
export const renderTuning = (request: TuningRendering, templates: Templates): RenderedObject[] => {
  const { workspace, preset, nodeSelector, revision, timeLimitMs } = request;
  const { name } = workspace.metadata;
  const { method, input, output, config } = tuningOf(workspace);
  const configMap = config ?? `${name}-training`;
  const values: Values = {
    workspace: { name, namespace: workspace.metadata.namespace },
    preset: { name: preset.name, weightsImage: request.tuning.weightsImage },
    images: { ...defaultImages, ...request.images },
    scripts: templates.scripts,
    nodes: { labels: nodeSelector },
    job: { timeLimitSeconds: Math.ceil(timeLimitMs / 1000) },
    training: { configMap, config: config === undefined ? toTrainerYaml(renderTrainingConfig(templates.template('tuning/training-config'), { method, tuning: request.tuning, overrides: request.overrides })) : undefined },
    output: outputValues(output, name, request.storageClass),
    dataset: datasetValues(input),
  };
  const withDataset = { ...values, dataset: { ...datasetValues(input), container: datasetContainer(input, values, templates) } };
  const identity = { workspace, revision };
  const claimName = ownClaimName(output, name);
  return [
    ...(claimName === undefined
      ? []
      : // The adapter must survive its workspace.
        [{ object: renderObject(templates.template('tuning/output-claim'), values, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: claimName }, identity), owned: false }]),
    ...(config === undefined ? [{ object: renderObject(templates.template('tuning/config-map'), values, { apiVersion: 'v1', kind: 'ConfigMap', name: configMap }, identity), owned: true }] : []),
    { object: renderObject(templates.template('tuning/job'), withDataset, { apiVersion: 'batch/v1', kind: 'Job', name }, identity), owned: true },
  ];
};

const tuningOf = ({ tuning }: Workspace) => {
  if (!tuning) throw new BugError('A tuning was to be rendered from a Workspace that has none.');
  return tuning;
};

/** The claim that kaito-ts makes itself when nobody names another: that name, and no other, is its own. */
const ownClaimName = (output: DataDestination, workspaceName: string): string | undefined => {
  if (output.image !== undefined) return undefined;
  const own = `${workspaceName}-adapter`;
  if (output.volumeSource === undefined) return own;
  const claim = toJson(output.volumeSource['persistentVolumeClaim']);
  return isJsonMap(claim) && claim['claimName'] === own ? own : undefined;
};

const outputValues = ({ image, imagePushSecret, volumeSource }: DataDestination, workspaceName: string, storageClass: string | undefined): Values => {
  const claimName = `${workspaceName}-adapter`;
  const source = image === undefined ? (volumeSource ?? { persistentVolumeClaim: { claimName } }) : { emptyDir: {} };
  const credentials = 'push-credentials';
  return {
    // An empty text rather than none: the script asks for it.
    image: image === undefined ? '' : fullImageReference(image),
    claimName,
    storageClass,
    volume: { name: 'results', ...toJsonMap(source) },
    credentialsMount: image === undefined || imagePushSecret === undefined ? undefined : { name: credentials, mountPath: '/root/.docker', readOnly: true },
    credentialsVolume: image === undefined || imagePushSecret === undefined ? undefined : credentialsVolume(credentials, [{ secret: imagePushSecret, path: 'config.json' }]),
  };
};

const datasetValues = ({ urls, image, imagePullSecrets = [], volumeSource }: DataSource): Values => {
  const credentials = 'dataset-credentials';
  const hasCredentials = image !== undefined && imagePullSecrets.length > 0;
  return {
    // A space divides two addresses.
    urls: urls?.map((url) => url.replaceAll(' ', '%20')).join(' '),
    image: image === undefined ? undefined : toPullReference(image),
    volume: { name: 'data', ...(volumeSource === undefined ? { emptyDir: {} } : toJsonMap(volumeSource)) },
    credentialsMount: hasCredentials ? { name: credentials, mountPath: '/root/.docker/config.d', readOnly: true } : undefined,
    credentialsVolume: hasCredentials ? credentialsVolume(credentials, imagePullSecrets.map((secret) => ({ secret, path: `${secret}.json` }))) : undefined,
  };
};

const datasetContainer = ({ urls, image }: DataSource, values: Values, templates: Templates): Json | undefined => {
  if (urls !== undefined) return resolveTemplate(templates.template('tuning/dataset-urls'), values);
  return image === undefined ? undefined : resolveTemplate(templates.template('tuning/dataset-image'), values);
};
