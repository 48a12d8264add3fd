import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTrainingLog } from '../../src/flow/training-log.ts';
import { createContainerLog } from '../../src/sandbox/kubelet/container-log.ts';
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

  describe('where containerd holds the progress bar back', () => {
    const schedule = { loggingSteps: 1, epochs: 1 };
    const lossAt = (value: string, epoch: string): string => `{'loss': '${value}', 'grad_norm': '3.062', 'learning_rate': '2e-05', 'epoch': '${epoch}'}\n`;

    it('counts steps by their losses, and the total by the epoch', () => {
      const log = createTrainingLog(schedule);
      expect(log.read(lossAt('2.5', '0.1667'))).toEqual([{ type: 'training', step: 1, totalSteps: 6, loss: 2.5, epoch: 0.1667 }]);
      expect(log.read(lossAt('2.4', '0.3333'))).toMatchObject([{ step: 2, totalSteps: 6, loss: 2.4 }]);
    });

    it.each([
      [{ loggingSteps: 1, epochs: 3 }, '0.4', 9],
      [{ loggingSteps: 10, epochs: 1 }, '0.008104', 1234],
      [{ loggingSteps: 1, epochs: 1, maxSteps: 50 }, '0.001', 50],
    ])('works the total out of %j and the first epoch %s: %i', (rhythm, epoch, totalSteps) => {
      expect(createTrainingLog(rhythm).read(lossAt('2.5', epoch))).toMatchObject([{ step: rhythm.loggingSteps, totalSteps }]);
    });

    it('tells the pace from when the losses came, and not from those that came all at once', () => {
      const log = createTrainingLog(schedule);
      const updates = [lossAt('2.9', '0.1') + lossAt('2.8', '0.2') + lossAt('2.7', '0.3'), lossAt('2.6', '0.4'), lossAt('2.5', '0.5')].flatMap((text, index) => log.read(text, 50_000 + index * 4_000));
      expect(updates.map((update) => (update.type === 'training' ? [update.step, update.secondsPerStep, update.remainingSeconds] : []))).toEqual([
        [1, undefined, undefined],
        [2, undefined, undefined],
        [3, undefined, undefined],
        [4, 4, 24],
        [5, 4, 20],
      ]);
    });

    it('finds a loss that stands in the midst of a bar', () => {
      const log = createTrainingLog(schedule);
      expect(log.read(`\r 17%|█▋        | 1${lossAt('2.5', '0.1667')}/6 [00:03<00:15,  3.10s/it]\r`)).toMatchObject([{ step: 1, totalSteps: 6, loss: 2.5 }]);
    });

    it('is not thrown back by a bar that comes late, and takes its total', () => {
      const log = createTrainingLog({ ...schedule, epochs: 2 });
      log.read(lossAt('2.5', '0.3'));
      expect(log.read(`${bar(0, 0, '00:00<?, ?it/s')}${bar(17, 1, '00:03<00:15,  3.10s/it')}\r`)).toEqual([]);
      expect(log.read(lossAt('2.4', '0.6'))).toMatchObject([{ step: 2, totalSteps: 6 }]);
    });

    it('tells every step of a run at the time at which its loss is written', () => {
      const pieces: string[] = [];
      const container = createContainerLog(() => new Date(0));
      container.follow((entry) => entry && pieces.push(entry.text));
      const log = createTrainingLog(schedule);
      const told: number[] = [];
      for (let step = 1; step <= 300; step += 1) {
        const drawn = `\r${String(Math.floor(step / 3)).padStart(3)}%|█████     | ${step}/300 [00:03<00:15,  3.10s/it]`;
        container.write('stderr', `${drawn}\r${' '.repeat(50)}\r`);
        container.write('stdout', lossAt('2.5', String(Number((step / 300).toPrecision(4)))));
        container.write('stderr', drawn);
        const updates = pieces.splice(0).flatMap((text) => log.read(text));
        told.push(Math.max(0, ...updates.map((update) => (update.type === 'training' ? update.step : 0))));
      }
      expect(told).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    });
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
