import type { ColorLevel } from './terminal.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How many colours a stream gets. `NO_COLOR` wins over everything (https://no-color.org: set and not empty), then
 * `FORCE_COLOR` (https://force-color.org, with chalk's levels), then what the stream is. In CI a stream is a log file,
 * whatever it claims to be.
 */
export const estimateColorLevel = (isTty: boolean, environment: Environment): ColorLevel => {
  if (isSet(environment.NO_COLOR)) return 0;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forcedLevels[forced.toLowerCase()] ?? 1;
  if (!isTty || isSet(environment.CI) || environment.TERM === 'dumb') return 0;
  if (environment.COLORTERM === 'truecolor' || environment.COLORTERM === '24bit') return 3;
  return /256(color)?$/.test(environment.TERM ?? '') ? 2 : 1;
};

/** Whether a person is there to be asked. `CI=false` is how some people switch it off. */
export const canAsk = (isTty: boolean, environment: Environment): boolean => isTty && !isSet(environment.CI) && environment.TERM !== 'dumb';

const forcedLevels: Record<string, ColorLevel> = { '': 1, true: 1, '1': 1, '2': 2, '3': 3, false: 0, '0': 0 };

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '' && value !== 'false' && value !== '0';
