import { describe, expect, it } from 'vitest';
import { AccessError } from '../../src/domain/errors.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import { readTrainingSchedule, toSchedule } from '../../src/flow/training-schedule.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { tuningWorkspace } from './support.ts';

const file = (settings: Record<string, unknown>) => ({ training_config: { TrainingArguments: settings } });

const configMap = (name: string, text: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { 'training_config.yaml': text } });

const read = (objects: KubernetesObject[], config?: string) => {
  const workspace = tuningWorkspace();
  const tuning = workspace.tuning && { ...workspace.tuning, ...(config === undefined ? {} : { config }) };
  return readTrainingSchedule(createFakeCluster(objects), { ...workspace, ...(tuning ? { tuning } : {}) }, new AbortController().signal);
};

describe('the training schedule', () => {
  it.each([
    ['what is written', { logging_steps: 5, num_train_epochs: 2, max_steps: 40 }, { loggingSteps: 5, epochs: 2, maxSteps: 40 }],
    ['the defaults of the trainer', {}, { loggingSteps: 10, epochs: 3 }],
    ['no limit where there is none', { logging_steps: 1, max_steps: -1 }, { loggingSteps: 1, epochs: 3 }],
    ['nothing where losses come once an epoch', { logging_strategy: 'epoch' }, undefined],
    ['nothing where losses come at a share of the run', { logging_steps: 0.1 }, undefined],
    ['nothing where the first step is out of turn', { logging_steps: 5, logging_first_step: true }, undefined],
  ])('has %s', (_title, settings, expected) => {
    expect(toSchedule(file(settings))).toEqual(expected);
  });

  it('is read from the ConfigMap that was written for the trainer', async () => {
    expect(await read([configMap('tuned-training', 'training_config:\n  TrainingArguments:\n    logging_steps: 1\n    num_train_epochs: 1\n')])).toEqual({ loggingSteps: 1, epochs: 1 });
  });

  it("is read from the user's own ConfigMap where there is one", async () => {
    expect(await read([configMap('mine', 'training_config:\n  TrainingArguments:\n    max_steps: 7\n')], 'mine')).toEqual({ loggingSteps: 10, epochs: 3, maxSteps: 7 });
  });

  it('is unknown, and no failure, where the file is not there, cannot be parsed or may not be read', async () => {
    expect(await read([])).toBeUndefined();
    expect(await read([configMap('tuned-training', '{ not: [yaml')])).toBeUndefined();
    const forbidding = { ...createFakeCluster(), get: async () => await Promise.reject(new AccessError('Not permitted: get configmaps.')) };
    expect(await readTrainingSchedule(forbidding, tuningWorkspace(), new AbortController().signal)).toBeUndefined();
  });
});
