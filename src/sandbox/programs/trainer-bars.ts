import type { ProgramContext } from './program.ts';

/** A state of a tqdm bar. */
export interface BarState {
  /** The training bar has none; every other has one. */
  label?: string;
  done: number;
  total: number;
  elapsedSeconds: number;
  unit?: ' examples' | 'it';
}

/** The text of a bar as tqdm draws it into a pipe: ten cells, in eighths. */
export const renderBar = ({ label, done, total, elapsedSeconds, unit = 'it' }: BarState): string => {
  const percent = String(roundHalfToEven((done / total) * 100)).padStart(3);
  const rate = done === 0 || elapsedSeconds === 0 ? 0 : done / elapsedSeconds;
  const remaining = rate === 0 ? '?' : interval((total - done) / rate);
  const prefix = label === undefined ? '' : `${label}: `;
  return `${prefix}${percent}%|${cells(done / total)}| ${done}/${total} [${interval(elapsedSeconds)}<${remaining}, ${rateText(rate, unit)}]`;
};

/** As Python formats a number without decimals. */
const roundHalfToEven = (value: number): number => {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
};

const cells = (fraction: number): string => {
  const eighths = Math.floor(fraction * 80);
  const full = Math.floor(eighths / 8);
  const part = full === 10 ? '' : (' ▏▎▍▌▋▊▉'[eighths % 8] ?? ' ');
  return '█'.repeat(full) + part + ' '.repeat(Math.max(0, 9 - full));
};

const rateText = (rate: number, unit: string): string => {
  if (rate === 0) return `?${unit === 'it' ? 'it' : ' examples'}/s`;
  return rate < 1 ? `${fixedWidth(1 / rate)}s/${unit}` : `${fixedWidth(rate)}${unit}/s`;
};

const fixedWidth = (value: number): string => value.toFixed(2).padStart(5);

/** `02:05`, or `1:02:05` from an hour on. */
const interval = (seconds: number): string => {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${twoDigits(minutes)}:${twoDigits(whole % 60)}`;
};

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** A bar that only shows a beginning and an end, with its label. */
export const runBar = async (
  context: ProgramContext,
  bar: { label: string; total: number; durationMs: number; unit?: ' examples' | 'it' },
  ended: AbortSignal,
): Promise<void> => {
  const draw = (done: number, elapsedSeconds: number) => `\r${renderBar({ ...bar, done, elapsedSeconds })}`;
  context.stderr(draw(0, 0));
  await context.clock.sleep(bar.durationMs, ended);
  context.stderr(`${draw(bar.total, bar.durationMs / 1000)}\n`);
};
