import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BugError, UsageError } from '../../src/domain/errors.ts';
import { renderTuning } from '../../src/manifests/tuning.ts';
import { presetNamed, presets } from '../presets/support.ts';
import { at, container, environment, listAt, mounts, ofKind, podSpec, renderedTuning, servingWorkspace, templates, tuningWorkspace } from './support.ts';

const job = (...wish: Parameters<typeof renderedTuning>) => ofKind(renderedTuning(...wish), 'Job');
const containerNames = (rendered: ReturnType<typeof job>) => ({ init: listAt(podSpec(rendered), 'initContainers').map(({ name }) => name), main: listAt(podSpec(rendered), 'containers').map(({ name }) => name) });
const volumes = (rendered: ReturnType<typeof job>) => Object.fromEntries(listAt(podSpec(rendered), 'volumes').map(({ name, ...source }) => [String(name), source]));

describe('renderTuning', () => {
  it('applies what the Job needs before the Job', () => {
    expect(renderedTuning().map(({ object, owned }) => [object.kind, object.metadata.name, owned])).toEqual([
      ['PersistentVolumeClaim', 'my-tuning-adapter', false],
      ['ConfigMap', 'my-tuning-training', true],
      ['Job', 'my-tuning', true],
    ]);
  });

  it('marks every object, and the pod, as the workspace\'s', () => {
    const labels = { 'kaito.sh/workspace': 'my-tuning', 'app.kubernetes.io/managed-by': 'kaito-ts' };
    for (const { object } of renderedTuning({}, { revision: 3 })) expect(object.metadata).toMatchObject({ namespace: 'team-a', labels, annotations: { 'workspace.kaito.io/revision': '3' } });
    expect(at(job({}, { revision: 3 }).object, 'spec', 'template', 'metadata')).toEqual({ labels, annotations: { 'workspace.kaito.io/revision': '3' } });
  });

  it('is a chain in one pod: weights, dataset, tuner, then push', () => {
    expect(containerNames(job())).toEqual({ init: ['weights', 'dataset', 'tuner'], main: ['push'] });
    expect(container(job(), 'weights')['command']).toEqual(['oras', 'pull', 'mcr.microsoft.com/aks/kaito/kaito-phi-3-mini-128k-instruct:0.2.0', '-o', '/workspace/weights']);
    expect(container(job(), 'tuner')['command']).toEqual(['accelerate', 'launch', '--num_processes=1', '/workspace/tfs/fine_tuning.py']);
    expect(environment(container(job(), 'tuner'))).toEqual({ PYTHONUNBUFFERED: '1', PYTORCH_CUDA_ALLOC_CONF: 'expandable_segments:True' });
  });

  it('gives the trainer alone a GPU', () => {
    for (const name of ['weights', 'dataset', 'push']) expect(container(job(), name)).not.toHaveProperty('resources');
    expect(container(job(), 'tuner')['resources']).toEqual({ requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } });
  });

  it('ends within its time, and is kept for a week', () => {
    expect(job({}, { timeLimitMs: 90_500 }).object['spec']).toMatchObject({ activeDeadlineSeconds: 91, ttlSecondsAfterFinished: 7 * 24 * 3600 });
    expect(podSpec(job())).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false });
  });

  it('makes another pod for one that its node turns away, a few times', () => {
    expect(at(job().object, 'spec', 'backoffLimit')).toBe(6);
  });

  it('does not take an eviction for a failure, nor a failure for an eviction', () => {
    expect(at(job().object, 'spec', 'podFailurePolicy', 'rules')).toEqual([
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } },
    ]);
  });

  it('runs where its nodes are, and tolerates what keeps others away from them', () => {
    const spec = podSpec(job({}, { nodeSelector: { a: 'b', c: 'd' } }));
    expect(at(spec, 'nodeSelector')).toEqual({ a: 'b', c: 'd' });
    expect(at(spec, 'tolerations')).toEqual([
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' },
      { key: 'kubernetes.azure.com/scalesetpriority', operator: 'Equal', value: 'spot', effect: 'NoSchedule' },
    ]);
  });

  describe('the dataset', () => {
    it('is downloaded from addresses', () => {
      const rendered = job({ input: { urls: ['https://a.example/x.jsonl?a=b c', 'https://b.example/y.csv'] } });
      expect(environment(container(rendered, 'dataset'))).toEqual({ DATA_URLS: 'https://a.example/x.jsonl?a=b%20c https://b.example/y.csv', DATA_VOLUME_PATH: '/mnt/data' });
      expect(container(rendered, 'dataset')['image']).toMatch(/^curlimages\/curl:\d+\.\d+\.\d+$/);
      expect(volumes(rendered)['data']).toEqual({ emptyDir: {} });
    });

    it('is pulled from an image, with its secrets where the script looks for them', () => {
      const rendered = job({ input: { name: 'ds', image: 'r.example/ds:1', imagePullSecrets: ['one', 'two'] } });
      expect(environment(container(rendered, 'dataset'))).toEqual({ IMAGE_REF: 'r.example/ds:1', DESTINATION: '/mnt/data' });
      expect(mounts(container(rendered, 'dataset'))).toEqual({ '/mnt/data': 'data', '/root/.docker/config.d': 'dataset-credentials' });
      expect(volumes(rendered)['dataset-credentials']).toEqual({
        projected: { sources: [{ secret: { name: 'one', items: [{ key: '.dockerconfigjson', path: 'one.json' }] } }, { secret: { name: 'two', items: [{ key: '.dockerconfigjson', path: 'two.json' }] } }] },
      });
    });

    it('needs no credentials where there are no secrets', () => {
      const rendered = job({ input: { name: 'ds', image: 'r.example/ds:1' } });
      expect(mounts(container(rendered, 'dataset'))).toEqual({ '/mnt/data': 'data' });
      expect(volumes(rendered)).not.toHaveProperty('dataset-credentials');
    });

    it('is pulled by digest where both are given, because skopeo takes one only', () => {
      const digest = `sha256:${'0'.repeat(64)}`;
      expect(environment(container(job({ input: { image: `r.example:5000/ds:1@${digest}` } }), 'dataset'))['IMAGE_REF']).toBe(`r.example:5000/ds@${digest}`);
    });

    it('is mounted where it is when it is on a volume', () => {
      const rendered = job({ input: { volumeSource: { persistentVolumeClaim: { claimName: 'mine', readOnly: true } } } });
      expect(containerNames(rendered).init).toEqual(['weights', 'tuner']);
      expect(volumes(rendered)['data']).toEqual({ persistentVolumeClaim: { claimName: 'mine', readOnly: true } });
      expect(mounts(container(rendered, 'tuner'))['/mnt/data']).toBe('data');
    });
  });

  describe('the adapter', () => {
    const image = { image: 'r.example/team/adapter:1', imagePushSecret: 'acr' };

    it('is pushed with the secret\'s credentials', () => {
      const rendered = renderedTuning({ output: image });
      const job = ofKind(rendered, 'Job');
      expect(rendered.map(({ object }) => object.kind)).toEqual(['ConfigMap', 'Job']);
      expect(environment(container(job, 'push'))).toEqual({ OUTPUT_DIR: '/mnt/results', OUTPUT_IMAGE: 'r.example/team/adapter:1', PRESET_NAME: 'phi-3-mini-128k-instruct' });
      expect(mounts(container(job, 'push'))).toEqual({ '/mnt/results': 'results', '/root/.docker': 'push-credentials' });
      expect(volumes(job)).toMatchObject({ results: { emptyDir: {} }, 'push-credentials': { projected: { sources: [{ secret: { name: 'acr', items: [{ key: '.dockerconfigjson', path: 'config.json' }] } }] } } });
    });

    it.each([['mine', 'docker.io/library/mine:latest'], ['team/mine:1', 'docker.io/team/mine:1'], ['r.example/mine', 'r.example/mine:latest']])('pushes %s under its full name, for oras takes the first part for a registry', (image, full) => {
      expect(environment(container(job({ output: { image } }), 'push'))).toMatchObject({ OUTPUT_IMAGE: full });
    });

    it('is pushed without credentials where there are none', () => {
      const rendered = job({ output: { image: 'r.example/open:1' } });
      expect(mounts(container(rendered, 'push'))).toEqual({ '/mnt/results': 'results' });
      expect(volumes(rendered)).not.toHaveProperty('push-credentials');
    });

    it('goes to a claim of its own that outlives the workspace', () => {
      const rendered = renderedTuning({ output: { volumeSource: { persistentVolumeClaim: { claimName: 'my-tuning-adapter' } } } }, { storageClass: 'fast' });
      expect(ofKind(rendered, 'PersistentVolumeClaim')).toMatchObject({ owned: false, object: { spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '8Gi' } } } } });
      expect(volumes(ofKind(rendered, 'Job'))['results']).toEqual({ persistentVolumeClaim: { claimName: 'my-tuning-adapter' } });
      expect(environment(container(ofKind(rendered, 'Job'), 'push'))['OUTPUT_IMAGE']).toBe('');
    });

    it('leaves the class of the claim to the cluster when none is named', () => {
      expect(at(ofKind(renderedTuning(), 'PersistentVolumeClaim').object, 'spec')).not.toHaveProperty('storageClassName');
    });

    it('goes to a volume of the user\'s, which is not made anew', () => {
      const rendered = renderedTuning({ output: { volumeSource: { persistentVolumeClaim: { claimName: 'mine' } } } });
      expect(rendered.map(({ object }) => object.kind)).toEqual(['ConfigMap', 'Job']);
      expect(volumes(ofKind(rendered, 'Job'))['results']).toEqual({ persistentVolumeClaim: { claimName: 'mine' } });
    });
  });

  it('uses a configuration of the user\'s as it is', () => {
    const rendered = renderedTuning({ config: 'mine' });
    expect(rendered.map(({ object }) => object.kind)).toEqual(['PersistentVolumeClaim', 'Job']);
    expect(volumes(ofKind(rendered, 'Job'))['config']).toEqual({ configMap: { name: 'mine' } });
  });

  it('writes the configuration with the settings', () => {
    const text = at(ofKind(renderedTuning({ method: 'lora' }, { overrides: { r: 32, max_steps: 7 } }), 'ConfigMap').object, 'data', 'training_config.yaml');
    expect(parse(String(text))).toMatchObject({ training_config: { QuantizationConfig: { load_in_4bit: false }, LoraConfig: { r: 32 }, TrainingArguments: { max_steps: 7 } } });
  });

  it('runs other images where others are named', () => {
    expect(container(job({}, { images: { base: 'mirror.example/kaito-base:0.5.0' } }), 'tuner')['image']).toBe('mirror.example/kaito-base:0.5.0');
    expect(container(job({}, { images: { base: 'mirror.example/kaito-base:0.5.0' } }), 'push')['image']).toBe('ghcr.io/oras-project/oras:v1.2.2');
  });

  it('comes to the same every time', () => {
    expect(JSON.stringify(renderedTuning())).toBe(JSON.stringify(renderedTuning()));
  });

  it.each(presets.flatMap(({ name, tuning }) => (tuning ? [name] : [])))('mounts only volumes that there are, for %s', (preset) => {
    for (const output of [{}, { image: 'r.example/a:1' }, { image: 'r.example/a:1', imagePushSecret: 'acr' }]) {
      for (const input of [{ urls: ['https://a.example/x.json'] }, { image: 'r.example/d:1', imagePullSecrets: ['acr'] }, { volumeSource: { persistentVolumeClaim: { claimName: 'c' } } }]) {
        const rendered = job({ preset, output, input });
        const mounted = [...listAt(podSpec(rendered), 'initContainers'), ...listAt(podSpec(rendered), 'containers')].flatMap((part) => Object.values(mounts(part)));
        expect(new Set(mounted)).toEqual(new Set(Object.keys(volumes(rendered))));
      }
    }
  });

  it('does not follow a template that makes something else of the Job', () => {
    const { tuning } = presetNamed('phi-4');
    if (!tuning) throw new Error('phi-4 can be tuned.');
    const request = { workspace: tuningWorkspace({ preset: 'phi-4' }), preset: presetNamed('phi-4'), tuning, overrides: {}, nodeSelector: {}, revision: 1, timeLimitMs: 1000 };
    const mine = { ...templates, template: (name: Parameters<typeof templates.template>[0]) => (name === 'tuning/job' ? { file: 'tuning/job.yaml', content: { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'x' } } } : templates.template(name)) };
    expect(() => renderTuning(request, mine)).toThrow(
      expect.objectContaining({ constructor: UsageError, fact: 'It must be batch/v1 Job team-a/my-tuning, and is batch/v1 CronJob nothing/x.' }),
    );
    expect(() => renderTuning({ ...request, workspace: servingWorkspace('phi-4') }, templates)).toThrow(BugError);
  });
});
