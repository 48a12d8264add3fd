const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;

/**
 * `34s`, `5m3s`, `3h20m`, `2d4h`, `400d`, `3y20d`: shorter as it gets longer ago. The steps are those of
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go
 */
export const humanDuration = (durationMs: number): string => {
  // Clocks of two machines may differ a little.
  if (durationMs <= -2 * secondMs) return '<invalid>';
  if (durationMs < 0) return '0s';
  for (const { belowMs, largeMs, small } of steps) {
    if (durationMs < belowMs) return format(durationMs, largeMs, small);
  }
  return format(durationMs, yearMs, undefined);
};

/** Time since an RFC 3339 time stamp. */
export const humanAge = (timestamp: string | undefined, now: Date): string =>
  timestamp ? humanDuration(now.getTime() - Date.parse(timestamp)) : '<unknown>';

const units = new Map([
  [secondMs, 's'],
  [minuteMs, 'm'],
  [hourMs, 'h'],
  [dayMs, 'd'],
  [yearMs, 'y'],
]);

const steps: { belowMs: number; largeMs: number; small?: number }[] = [
  { belowMs: 2 * minuteMs, largeMs: secondMs },
  { belowMs: 10 * minuteMs, largeMs: minuteMs, small: secondMs },
  { belowMs: 3 * hourMs, largeMs: minuteMs },
  { belowMs: 8 * hourMs, largeMs: hourMs, small: minuteMs },
  { belowMs: 48 * hourMs, largeMs: hourMs },
  { belowMs: 8 * dayMs, largeMs: dayMs, small: hourMs },
  { belowMs: 2 * yearMs, largeMs: dayMs },
  { belowMs: 8 * yearMs, largeMs: yearMs, small: dayMs },
];

const format = (durationMs: number, largeMs: number, smallMs: number | undefined): string => {
  const large = `${Math.floor(durationMs / largeMs)}${units.get(largeMs)}`;
  const rest = smallMs === undefined ? 0 : Math.floor((durationMs % largeMs) / smallMs);
  return rest === 0 || smallMs === undefined ? large : `${large}${rest}${units.get(smallMs)}`;
};
