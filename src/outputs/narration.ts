import type { Ora } from 'ora';
import type { Event, Progress } from '../domain/event.ts';
import { describeObject } from '../domain/kubernetes.ts';
import { renderError, renderHints } from './error-text.ts';
import type { OutputTarget } from './output.ts';
import { toPlainError, toPlainEvent } from './plain.ts';
import { renderPlan } from './plan-text.ts';
import { formatElapsed } from './time-text.ts';

/** The running commentary on stderr. */
export interface Narrator {
  tell(event: Event): Promise<void>;
  finish(): Promise<void>;
}

/** In a pipe one line for each change and a heartbeat; progress lines of one phase at most this often. */
const progressEveryMs = 10_000;

export const createNarrator = (target: OutputTarget): Narrator => {
  const { errStyle: style } = target;
  let spinner: Ora | undefined;
  let title = '';
  let reason = '';
  let progressText = '';
  let progressToldAt = Number.NEGATIVE_INFINITY;
  let toldPhase: string | undefined;
  let startedAt = target.now();

  const line = async (text: string): Promise<void> => {
    spinner?.clear();
    await target.writeErr(`${text}\n`);
    spinner?.render();
  };

  const spin = async (): Promise<void> => {
    if (!target.isLive) return;
    if (!spinner) {
      // Only a terminal pays for the spinner, which draws on stderr by itself.
      const { default: ora } = await import('ora');
      spinner = ora({ discardStdin: false, suffixText: () => style.dim(formatElapsed(target.now() - startedAt)) });
    }
    const shownTitle = fit(title, target.columns - spinnerColumns);
    const detail = fit(progressText || reason, target.columns - spinnerColumns - shownTitle.length - 2);
    spinner.text = detail === '' ? shownTitle : `${shownTitle}  ${style.dim(detail)}`;
    if (!spinner.isSpinning) spinner.start();
  };

  const stop = (): void => {
    spinner?.stop();
    title = '';
    reason = '';
    progressText = '';
    progressToldAt = Number.NEGATIVE_INFINITY;
  };

  const tell = async (event: Event): Promise<void> => {
    switch (event.type) {
      case 'planned':
        if (!event.dryRun) await line(await renderPlan(event.plan, style, target.isErrTty ? target.columns : undefined));
        return;
      case 'stepStarted':
        stop();
        startedAt = target.now();
        title = `[${event.index + 1}/${event.total}] ${event.step.title}`;
        // In a pipe a step that is over at once needs no line before the one that says so.
        if (!target.isLive && event.step.kind !== 'record' && event.step.kind !== 'apply') await line(title);
        await spin();
        return;
      case 'stepDone': {
        stop();
        const detail = [event.detail, event.elapsedMs >= 1000 ? formatElapsed(event.elapsedMs) : undefined].filter(Boolean).join(', ');
        await line(`${style.green('✓')} [${event.index + 1}/${event.total}] ${event.step.title}${detail === '' ? '' : style.dim(`  (${detail})`)}`);
        return;
      }
      case 'waiting':
        reason = event.reason;
        progressText = '';
        if (!target.isLive) await line(`  ${event.what}: ${event.reason} (${formatElapsed(event.elapsedMs)} of at most ${formatElapsed(event.timeoutMs)})`);
        await spin();
        return;
      case 'progress': {
        progressText = renderProgress(event.progress);
        const { phase } = event.progress;
        const isDue = phase !== toldPhase || target.now() - progressToldAt >= progressEveryMs || isLast(event.progress);
        if (!target.isLive && isDue) {
          progressToldAt = target.now();
          toldPhase = phase;
          await line(`  ${progressText}`);
        }
        await spin();
        return;
      }
      case 'note':
        await line(event.message);
        for (const hint of renderHints(event.hints ?? [], style)) await line(hint);
        return;
      case 'warning':
        await line(`${style.yellow('warning:')} ${event.message}`);
        for (const hint of renderHints(event.hints ?? [], style)) await line(hint);
        return;
      case 'deleted':
        await line(`  ${describeObject(event.object)} ${event.existed ? 'deleted' : 'was gone already'}`);
        return;
      case 'failed':
        stop();
        await target.writeErr(renderError(toPlainError(event.error, target), style));
        return;
      case 'applied':
      case 'log':
      case 'item':
      case 'statuses':
      case 'table':
      case 'text':
      case 'result':
      case 'exit':
        return;
    }
  };

  return {
    async tell(event) {
      // Errors are told however quiet it is.
      if (target.isQuiet && event.type !== 'failed') return;
      await tell(toPlainEvent(event, target));
    },
    async finish() {
      stop();
    },
  };
};

const renderProgress = (progress: Progress): string => {
  switch (progress.phase) {
    case 'training': {
      const percent = progress.totalSteps === 0 ? 0 : Math.floor((100 * progress.step) / progress.totalSteps);
      return [
        `step ${progress.step} of ${progress.totalSteps} (${percent} %)`,
        progress.loss === undefined ? undefined : `loss ${progress.loss}`,
        progress.secondsPerStep === undefined ? undefined : `${progress.secondsPerStep.toFixed(2)} s a step`,
        progress.remainingSeconds === undefined ? undefined : `${formatElapsed(progress.remainingSeconds * 1000)} left`,
      ]
        .filter(Boolean)
        .join(', ');
    }
    case 'preparing':
      return progress.percent === undefined ? progress.what : `${progress.what}: ${progress.percent} %`;
    case 'weights':
      return [
        'downloading the weights',
        progress.percent === undefined ? undefined : `${progress.percent} %`,
        progress.bytesPerSecond === undefined ? undefined : `${(progress.bytesPerSecond / 1024 / 1024).toFixed(0)} MiB/s`,
        progress.remainingSeconds === undefined ? undefined : `${formatElapsed(progress.remainingSeconds * 1000)} left`,
      ]
        .filter(Boolean)
        .join(', ');
  }
};

const isLast = (progress: Progress): boolean => progress.phase === 'training' && progress.step === progress.totalSteps;

/** For the spinner itself and the time. */
const spinnerColumns = 12;

/** A spinner line that wraps cannot be redrawn. */
const fit = (text: string, columns: number): string => {
  if (text.length <= columns) return text;
  return columns < 2 ? '' : `${text.slice(0, columns - 1)}…`;
};
