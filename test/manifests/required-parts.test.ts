import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/domain/errors.ts';
import { templateNames, type TemplateName } from '../../src/manifests/files.ts';
import { isJsonMap, type Json } from '../../src/manifests/json.ts';
import { refuseLostParts } from '../../src/manifests/required-parts.ts';
import { templates } from './support.ts';

/** The shipped template with every map or text for which that is true taken out. */
const without = (name: TemplateName, isLost: (value: Json, key: string) => boolean): Json => take(templates.template(name).content, isLost);

const take = (node: Json, isLost: (value: Json, key: string) => boolean): Json => {
  if (Array.isArray(node)) return node.filter((one) => !isLost(one, '')).map((one) => take(one, isLost));
  if (!isJsonMap(node)) return node;
  return Object.fromEntries(Object.entries(node).filter(([key, value]) => !isLost(value, key)).map(([key, value]) => [key, take(value, isLost)]));
};

const named = (name: string) => (value: Json): boolean => isJsonMap(value) && value['name'] === name;
const at = (mountPath: string) => (value: Json): boolean => isJsonMap(value) && value['mountPath'] === mountPath;
const keyed = (wanted: string) => (_: Json, key: string): boolean => key === wanted;
const text = (wanted: string) => (value: Json): boolean => value === wanted;

const refusal = (name: TemplateName, content: Json): UsageError | undefined => {
  try {
    refuseLostParts(name, { file: `${name}.yaml`, content }, `/shipped/${name}.yaml`);
    return undefined;
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
};

describe('a template of the user’s own', () => {
  it.each(templateNames)('%s is accepted as it is shipped', (name) => {
    expect(refusal(name, templates.template(name).content)).toBeUndefined();
  });

  it.each<[TemplateName, string, (value: Json, key: string) => boolean, string]>([
    ['inference/deployment', 'the server', named('${workspace.name}'), 'spec.template.spec.containers[name: ${workspace.name}] is missing: it is the model server, and its logs and its state are asked for by this name.'],
    ['inference/deployment', 'the server’s flags', keyed('args'), '${server.flags}, in spec.template.spec.containers[name: ${workspace.name}], is missing: they say which model is served, and how.'],
    ['inference/deployment', 'the label that finds its pods', keyed('matchLabels'), '${workspace.name}, in spec.selector.matchLabels.kaito.sh/workspace, is missing: by this label the pods are found.'],
    ['inference/deployment', 'the startup probe', keyed('startupProbe'), 'spec.template.spec.containers[name: ${workspace.name}].startupProbe is missing: while the weights are loaded, the server must not be taken for dead.'],
    ['inference/deployment', 'the volume of the weights', (value) => isJsonMap(value) && value['name'] === 'weights' && 'emptyDir' in value, 'spec.template.spec.volumes[what is mounted at /workspace/weights] is missing: the weights go to it.'],
    ['inference/deployment', 'the GPUs', keyed('resources'), '${nodes.resources}, in spec.template.spec.containers[name: ${workspace.name}].resources.limits, is missing: without GPUs asked for, the pod gets none.'],
    ['inference/deployment', 'the adapters', text('${adapters.containers}'), '${adapters.containers}, in spec.template.spec.initContainers, is missing: they bring the adapters.'],
    ['inference/statefulset', 'the pod’s number', named('POD_INDEX'), 'spec.template.spec.containers[name: ${workspace.name}].env[name: POD_INDEX] is missing: by it a pod knows whether it leads.'],
    ['inference/service', 'its port', keyed('ports'), 'spec.ports[targetPort: 5000] is missing: the server listens on this port.'],
    ['inference/headless-service', 'its being headless', keyed('clusterIP'), 'None, in spec.clusterIP, is missing: only so each pod has a name of its own.'],
    ['inference/adapter', 'the image', text('${adapter.image}'), '${adapter.image} is missing: it is what is pulled.'],
    ['tuning/job', 'the tuner', named('tuner'), 'spec.template.spec.initContainers[name: tuner] is missing: it trains, and its log is followed.'],
    ['tuning/job', 'the pusher', named('push'), 'spec.template.spec.containers[name: push] is missing: it brings the adapter to where it is wanted, and its exit code is the tuning’s.'],
    ['tuning/job', 'the model', named('weights'), '${preset.weightsImage}, in spec.template.spec.initContainers[name: weights], is missing: it brings the model that is tuned.'],
    ['tuning/job', 'where the adapter is written', at('/mnt/results'), 'spec.template.spec.initContainers[name: tuner].volumeMounts[mountPath: /mnt/results] is missing: the adapter is written there.'],
    ['tuning/job', 'the time limit', keyed('activeDeadlineSeconds'), '${job.timeLimitSeconds}, in spec.activeDeadlineSeconds, is missing: it ends what would cost money for ever.'],
    ['tuning/job', 'the nodes', keyed('nodeSelector'), '${nodes.labels}, in spec.template.spec.nodeSelector, is missing: it brings the pods onto the nodes that were chosen for them.'],
    ['tuning/dataset-urls', 'the addresses', text('${dataset.urls}'), '${dataset.urls} is missing: it is what is downloaded.'],
    ['tuning/config-map', 'the settings', keyed('data'), '${training.config}, in data.training_config.yaml, is missing: it is what the trainer reads.'],
    ['tuning/training-config', 'what makes it QLoRA', keyed('load_in_4bit'), '${training.isQuantized}, in training_config.QuantizationConfig.load_in_4bit, is missing: --method decides it.'],
    ['device-plugin', 'the kubelet’s folder', keyed('volumes'), 'spec.template.spec.volumes[what is mounted at /var/lib/kubelet/device-plugins] is missing: the kubelet learns of GPUs there.'],
  ])('%s is refused without %s, by name', (name, _, isLost, fact) => {
    const error = refusal(name, without(name, isLost));
    expect(error).toMatchObject({ reason: 'TemplatePartLost', message: expect.stringContaining(`Template ${name}.yaml has lost `), hints: [`Copy it from /shipped/${name}.yaml`] });
    expect(error?.fact?.split('\n')).toContain(fact);
  });

  it('is told all that it has lost, and of what is lost as a whole no parts', () => {
    const lost = refusal('tuning/job', without('tuning/job', (value, key) => named('tuner')(value) || key === 'activeDeadlineSeconds'));
    expect(lost?.message).toBe('Template tuning/job.yaml has lost 2 parts that are needed.');
    expect(lost?.fact?.split('\n').map((line) => line.split(' is missing')[0])).toEqual(['${job.timeLimitSeconds}, in spec.activeDeadlineSeconds,', 'spec.template.spec.initContainers[name: tuner]']);
  });

  it('may call its volumes as it likes, and have more than is needed', () => {
    const renamed: Json = JSON.parse(JSON.stringify(templates.template('inference/deployment').content).replaceAll('"name":"weights"', '"name":"model","note":"mine"'));
    expect(refusal('inference/deployment', renamed)).toBeUndefined();
  });

  it('is refused or accepted in good order, whatever part of it is missing', () => {
    for (const name of templateNames) {
      const { content } = templates.template(name);
      const count = JSON.stringify(content).length;
      let taken = 0;
      for (let index = 0; index < count; index++) {
        let seen = -1;
        const cut = take(content, () => (seen += 1) === index);
        if (seen < index) break;
        taken += 1;
        refusal(name, cut);
      }
      expect(taken, name).toBeGreaterThan(3);
    }
  });
});
