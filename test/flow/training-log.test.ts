import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTrainingLog } from '../../src/flow/training-log.ts';
import { dataFolder, hasData } from '../support/project.ts';

const bar = (percent: number, step: number, times: string): string => `\r ${percent}%|█▋        | ${step}/6 [${times}]`;
const loss = (value: string): string => `{'loss': '${value}', 'grad_norm': '3.062', 'learning_rate': '2e-05', 'epoch': '0.1'}\n`;

describe('the training log', () => {
  it('tells step, total, rate and what is left from the bar without a label', () => {
    const log = createTrainingLog();
    expect(log.read(bar(17, 1, '00:03<00:15,  3.10s/it'))).toEqual([{ type: 'training', step: 1, totalSteps: 6, secondsPerStep: 3.1, remainingSeconds: 15 }]);
  });

  it('turns a rate in steps a second into seconds a step', () => {
    expect(createTrainingLog().read(bar(33, 2, '00:00<00:00, 4.00it/s'))).toMatchObject([{ secondsPerStep: 0.25 }]);
  });

  it('adds the loss, whose line comes after the bar of its step', () => {
    const log = createTrainingLog();
    log.read(bar(17, 1, '00:03<00:15,  3.10s/it'));
    expect(log.read(`\n${loss('2.789')}`)).toMatchObject([{ step: 1, loss: 2.789, epoch: 0.1 }]);
  });

  it('says nothing when the same state is drawn again', () => {
    const log = createTrainingLog();
    log.read(bar(17, 1, '00:03<00:15,  3.10s/it'));
    expect(log.read(`\r                \r${bar(17, 1, '00:03<00:15,  3.10s/it')}`)).toEqual([]);
  });

  it('takes bars with a label for preparation', () => {
    expect(createTrainingLog().read('\rLoading weights:  50%|█████     | 10/21 [00:00<00:00, 19it/s]\n')).toEqual([{ type: 'preparing', what: 'Loading weights', percent: 50 }]);
  });

  it('reads the same however the text is cut', () => {
    const text = `${bar(17, 1, '00:03<00:15,  3.10s/it')}\r   \r${loss('2.789')}${bar(33, 2, '00:06<00:12,  3.00s/it')}\n`;
    const whole = createTrainingLog();
    const expected = whole.read(text);
    const cut = createTrainingLog();
    expect([...text].flatMap((character) => cut.read(character))).toEqual(expected);
  });

  it("explains a failure by the error before accelerate's own", () => {
    const log = createTrainingLog();
    log.read("Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: None\nTraceback (most recent call last):\nsubprocess.CalledProcessError: Command '['python']' returned non-zero exit status 1.\n");
    expect(log.failure()).toBe('KeyError: None');
  });

  it.skipIf(!hasData).each(['B-logging1-tqdm-unbuffered', 'E-slow-steps', 'F-eval-split0.8'])('follows the recorded run %s to its last step', (name) => {
    const timeline = readFileSync(join(dataFolder, 'runtime-observed/logs/full', `${name}.timeline.jsonl`), 'utf8');
    const log = createTrainingLog();
    const updates = timeline
      .trim()
      .split('\n')
      .flatMap((line) => {
        const [, , text]: [number, string, string] = JSON.parse(line);
        return log.read(text);
      });
    const training = updates.filter((update) => update.type === 'training');
    const last = training.at(-1);
    expect(training.length).toBeGreaterThan(1);
    expect(training.map(({ step }) => step)).toEqual(training.map(({ step }) => step).toSorted((left, right) => left - right));
    if (name === 'F-eval-split0.8') expect(log.failure()).toMatch(/^ValueError: Unable to create tensor/);
    else expect(last).toMatchObject({ step: last?.totalSteps, loss: expect.any(Number) });
  });
});
