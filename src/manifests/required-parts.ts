import { UsageError } from '../domain/errors.ts';
import type { TemplateName } from './files.ts';
import { isJsonMap, type Json } from './json.ts';
import type { Template } from './template.ts';

/** One step from a value to a part of it: a key, or an item of a list. */
interface Step {
  /** As it is written behind what was reached before. */
  label: string;
  find(node: Json): Json | undefined;
}

interface RequiredPart {
  path: readonly Step[];
  /** What must be somewhere in it, such as a placeholder; absent: the part is enough. */
  holds?: string;
  /** As the end of "it is lost, and ...". */
  purpose: string;
}

/** Refuses a template of a user's that has lost what this program, or the program in the container, cannot do without. */
export const refuseLostParts = (name: TemplateName, { file, content }: Template, original: string): void => {
  const lost = requiredParts[name].filter(({ path, holds }) => {
    const part = follow(content, path);
    return part === undefined || part === null || (holds !== undefined && !JSON.stringify(part).includes(JSON.stringify(holds).slice(1, -1)));
  });
  // A part of what is lost is lost with it.
  const told = lost.filter((one) => !lost.some((other) => other.path.length < one.path.length && other.holds === undefined && other.path.every((step, index) => step.label === one.path[index]?.label)));
  if (told.length === 0) return;
  throw new UsageError(`Template ${file} has lost ${told.length === 1 ? 'a part that is' : `${told.length} parts that are`} needed.`, {
    reason: 'TemplatePartLost',
    fact: told.map(describe).join('\n'),
    hints: [`Copy it from ${original}`],
  });
};

const describe = ({ path, holds, purpose }: RequiredPart): string => {
  const place = path.map(({ label }) => label).join('').replace(/^\./, '');
  return `${holds === undefined ? place : `${holds}${place === '' ? '' : `, in ${place},`}`} is missing: ${purpose}.`;
};

const follow = (content: Json, path: readonly Step[]): Json | undefined => path.reduce<Json | undefined>((node, step) => (node === undefined ? undefined : step.find(node)), content);

const keys = (...names: string[]): Step[] => names.map((name) => ({ label: `.${name}`, find: (node) => (isJsonMap(node) && Object.hasOwn(node, name) ? node[name] : undefined) }));

/** The item of a list in which a key has that value. */
const item = (list: string, key: string, value: string): Step[] => [
  ...keys(list),
  { label: `[${key}: ${value}]`, find: (node) => (Array.isArray(node) ? node.find((one) => isJsonMap(one) && (one[key] === value || JSON.stringify(one[key]) === value)) : undefined) },
];

/** The volume of a pod that one of its containers mounts there, whatever it is called. */
const volumeAt = (mountPath: string, ...container: Step[]): Step => ({
  label: `.volumes[what is mounted at ${mountPath}]`,
  find: (pod) => {
    const mount = follow(pod, [...container, ...item('volumeMounts', 'mountPath', mountPath)]);
    // That the mount is lost is told for itself.
    return isJsonMap(mount) ? follow(pod, item('volumes', 'name', typeof mount['name'] === 'string' ? mount['name'] : '')) : pod;
  },
});

const pod = keys('spec', 'template', 'spec');
const server = item('containers', 'name', '${workspace.name}');
const tuner = item('initContainers', 'name', 'tuner');
const push = item('containers', 'name', 'push');

const schedulingParts: RequiredPart[] = [
  { path: [...pod, ...keys('nodeSelector')], holds: '${nodes.labels}', purpose: 'it brings the pods onto the nodes that were chosen for them' },
  { path: [...pod, ...item('tolerations', 'key', 'sku')], purpose: 'nodes that kaito-ts adds have the taint sku=gpu:NoSchedule' },
];

const workloadIdentity: RequiredPart = { path: keys('spec', 'selector', 'matchLabels', 'kaito.sh/workspace'), holds: '${workspace.name}', purpose: 'by this label the pods are found' };

const serverParts: RequiredPart[] = [
  workloadIdentity,
  ...schedulingParts,
  { path: [...pod, ...keys('initContainers')], holds: '${server.initContainers}', purpose: 'some models need a toolkit on the node before they start' },
  { path: [...pod, ...keys('initContainers')], holds: '${adapters.containers}', purpose: 'they bring the adapters' },
  { path: [...pod, ...server], purpose: 'it is the model server, and its logs and its state are asked for by this name' },
  { path: [...pod, ...server, ...keys('image')], purpose: 'it is the model server’s image' },
  { path: [...pod, ...server, ...keys('env')], holds: '${server.environment}', purpose: 'it has the token for gated models, among others' },
  { path: [...pod, ...server, ...keys('resources', 'limits')], holds: '${nodes.resources}', purpose: 'without GPUs asked for, the pod gets none' },
  { path: [...pod, ...server, ...keys('startupProbe')], purpose: 'while the weights are loaded, the server must not be taken for dead' },
  { path: [...pod, ...server, ...keys('readinessProbe')], purpose: 'it tells when the server answers' },
  { path: [...pod, ...server, ...item('volumeMounts', 'mountPath', '/workspace/weights')], purpose: 'the weights are downloaded to there' },
  { path: [...pod, volumeAt('/workspace/weights', ...server)], purpose: 'the weights go to it' },
  { path: [...pod, ...server, ...item('volumeMounts', 'mountPath', '/dev/shm')], purpose: 'the GPUs of a node talk to each other through it' },
  { path: [...pod, volumeAt('/dev/shm', ...server)], purpose: 'the GPUs of a node talk to each other through it' },
  { path: [...pod, ...server, ...keys('volumeMounts')], holds: '${server.mounts}', purpose: 'the ConfigMap with the server’s settings is mounted by it' },
  { path: [...pod, ...server, ...keys('volumeMounts')], holds: '${adapters.mounts}', purpose: 'the server finds the adapters there' },
  { path: [...pod, ...keys('volumes')], holds: '${server.volumes}', purpose: 'the ConfigMap with the server’s settings is among them' },
  { path: [...pod, ...keys('volumes')], holds: '${adapters.volumes}', purpose: 'the adapters are in them' },
];

const trainerMount = (mountPath: string, purpose: string): RequiredPart => ({ path: [...pod, ...tuner, ...item('volumeMounts', 'mountPath', mountPath)], purpose });

/** By template. Scripts are programs, and what they must do cannot be seen. */
const requiredParts: Record<TemplateName, readonly RequiredPart[]> = {
  'inference/deployment': [
    ...serverParts,
    { path: [...pod, ...server], holds: '${server.command}', purpose: 'it is the program' },
    { path: [...pod, ...server], holds: '${server.flags}', purpose: 'they say which model is served, and how' },
  ],
  'inference/statefulset': [
    ...serverParts,
    { path: keys('spec', 'replicas'), holds: '${nodes.count}', purpose: 'each node has one pod' },
    { path: keys('spec', 'serviceName'), holds: '${workspace.name}-headless', purpose: 'through it the pods find their leader' },
    { path: [...pod, ...server], holds: '${server.commandLine}', purpose: 'it says which model is served, and how' },
    { path: [...pod, ...server], holds: '${nodes.leader}', purpose: 'the other pods join the leader by this name' },
    { path: [...pod, ...server, ...item('env', 'name', 'POD_INDEX')], purpose: 'by it a pod knows whether it leads' },
  ],
  'inference/service': [
    { path: keys('spec', 'selector'), holds: '${service.selector}', purpose: 'it leads to the pod that answers' },
    { path: keys('spec', 'type'), holds: '${service.type}', purpose: 'the annotation kaito.sh/enablelb decides it' },
    { path: [...keys('spec'), ...item('ports', 'targetPort', '5000')], purpose: 'the server listens on this port' },
    { path: [...keys('spec'), ...item('ports', 'port', '80')], purpose: 'inside the cluster the model is reached there' },
  ],
  'inference/headless-service': [
    { path: keys('spec', 'selector', 'kaito.sh/workspace'), holds: '${workspace.name}', purpose: 'it leads to the pods' },
    { path: keys('spec', 'clusterIP'), holds: 'None', purpose: 'only so each pod has a name of its own' },
    { path: keys('spec', 'publishNotReadyAddresses'), holds: 'true', purpose: 'the pods must find their leader before anything is ready' },
  ],
  'inference/adapter': [
    { path: keys('name'), holds: 'adapter-${adapter.name}', purpose: 'by this name it is told how far an adapter is' },
    { path: [], holds: '${adapter.image}', purpose: 'it is what is pulled' },
    { path: [], holds: '/mnt/adapter/${adapter.name}', purpose: 'the server looks for the adapter there' },
    { path: item('volumeMounts', 'mountPath', '/mnt/adapter'), purpose: 'the server looks for adapters there' },
    { path: keys('volumeMounts'), holds: '${adapter.credentialsMount}', purpose: 'it has the credentials for a private image' },
  ],
  'inference/cuda-toolkit': [{ path: keys('volumeMounts'), holds: '${server.cudaToolkitFolder}', purpose: 'the toolkit is put there for the server' }],
  'inference/own-pods': [
    workloadIdentity,
    { path: keys('spec', 'replicas'), holds: '${nodes.count}', purpose: 'each node has one pod' },
    { path: keys('spec', 'template'), holds: '${pods.template}', purpose: 'it is what the Workspace says' },
  ],
  'tuning/job': [
    ...schedulingParts,
    { path: keys('spec', 'activeDeadlineSeconds'), holds: '${job.timeLimitSeconds}', purpose: 'it ends what would cost money for ever' },
    { path: [...pod, ...keys('restartPolicy')], holds: 'Never', purpose: 'a container that failed would be started again and again' },
    { path: [...pod, ...item('initContainers', 'name', 'weights')], holds: '${preset.weightsImage}', purpose: 'it brings the model that is tuned' },
    { path: [...pod, ...keys('initContainers')], holds: '${dataset.container}', purpose: 'it brings the dataset' },
    { path: [...pod, ...tuner], purpose: 'it trains, and its log is followed' },
    { path: [...pod, ...tuner, ...item('env', 'name', 'PYTHONUNBUFFERED')], purpose: 'without it the losses come only when training is over' },
    { path: [...pod, ...tuner, ...keys('resources', 'limits', 'nvidia.com/gpu')], purpose: 'training needs a GPU' },
    trainerMount('/mnt/config', 'the settings of the training are there'),
    trainerMount('/mnt/data', 'the dataset is there'),
    trainerMount('/mnt/results', 'the adapter is written there'),
    trainerMount('/workspace/weights', 'the model is there'),
    { path: [...pod, volumeAt('/workspace/weights', ...tuner)], purpose: 'the model goes to it' },
    { path: [...pod, ...push], purpose: 'it brings the adapter to where it is wanted, and its exit code is the tuning’s' },
    { path: [...pod, ...push], holds: '${output.image}', purpose: 'it is where the adapter is pushed to' },
    { path: [...pod, ...push, ...item('volumeMounts', 'mountPath', '/mnt/results')], purpose: 'the adapter is there' },
    { path: [...pod, ...push, ...keys('volumeMounts')], holds: '${output.credentialsMount}', purpose: 'it has the credentials for the push' },
    { path: [...pod, ...keys('volumes')], holds: '${training.configMap}', purpose: 'it has the settings of the training' },
    { path: [...pod, ...keys('volumes')], holds: '${dataset.volume}', purpose: 'the dataset is in it' },
    { path: [...pod, ...keys('volumes')], holds: '${dataset.credentialsVolume}', purpose: 'it has the credentials for the dataset’s image' },
    { path: [...pod, ...keys('volumes')], holds: '${output.volume}', purpose: 'the adapter is written to it' },
    { path: [...pod, ...keys('volumes')], holds: '${output.credentialsVolume}', purpose: 'it has the credentials for the push' },
  ],
  'tuning/dataset-urls': [
    { path: keys('name'), holds: 'dataset', purpose: 'by this name it is told why a dataset did not come' },
    { path: [], holds: '${dataset.urls}', purpose: 'it is what is downloaded' },
    { path: item('volumeMounts', 'mountPath', '/mnt/data'), purpose: 'the trainer reads the dataset there' },
  ],
  'tuning/dataset-image': [
    { path: keys('name'), holds: 'dataset', purpose: 'by this name it is told why a dataset did not come' },
    { path: [], holds: '${dataset.image}', purpose: 'it is what is pulled' },
    { path: item('volumeMounts', 'mountPath', '/mnt/data'), purpose: 'the trainer reads the dataset there' },
    { path: keys('volumeMounts'), holds: '${dataset.credentialsMount}', purpose: 'it has the credentials for a private image' },
  ],
  'tuning/config-map': [{ path: keys('data', 'training_config.yaml'), holds: '${training.config}', purpose: 'it is what the trainer reads' }],
  'tuning/output-claim': [
    { path: keys('spec', 'accessModes'), purpose: 'a claim must say it' },
    { path: keys('spec', 'resources', 'requests', 'storage'), purpose: 'a claim must say it' },
    { path: keys('spec', 'storageClassName'), holds: '${output.storageClass}', purpose: '--storage-class decides it' },
  ],
  // What the trainer needs of these is checked with the values in them.
  'tuning/training-config': [
    { path: keys('training_config', 'QuantizationConfig', 'load_in_4bit'), holds: '${training.isQuantized}', purpose: '--method decides it' },
    { path: keys('training_config', 'LoraConfig', 'target_modules'), purpose: 'the library knows the layers of only some architectures' },
  ],
  'device-plugin': [
    { path: keys('metadata', 'name'), purpose: 'an object has a name' },
    { path: [...pod, ...item('tolerations', 'key', 'sku')], purpose: 'nodes that kaito-ts adds have the taint sku=gpu:NoSchedule' },
    { path: [...pod, volumeAt('/var/lib/kubelet/device-plugins', { label: '.containers[0]', find: (node) => (isJsonMap(node) && Array.isArray(node['containers']) ? node['containers'][0] : undefined) })], purpose: 'the kubelet learns of GPUs there' },
  ],
};
