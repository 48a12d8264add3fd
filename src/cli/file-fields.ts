import type { Origin } from './options.ts';

/**
 * Options that are fields of a Workspace file too: beside a file only what is said on the command line takes their place.
 * The environment and settings files say what is usual, and the file says what is wanted here.
 */
const fileFields: ReadonlySet<string> = new Set([
  'preset', 'method', 'config', 'instanceType', 'nodes', 'adapter', 'runtime', 'modelAccessSecret',
  'inputUrl', 'inputImage', 'inputImageSecret', 'inputClaim', 'outputImage', 'outputImageSecret', 'outputClaim',
]);

export const besideFile = <V extends Record<string, unknown> & { filename: string[] }>(options: V, origins: Readonly<Record<keyof V, { from: Origin }>>): V => {
  if (options.filename.length === 0) return options;
  const usual = Object.keys(options).filter((key) => fileFields.has(key) && origins[key]?.from !== 'flag');
  return { ...options, ...Object.fromEntries(usual.map((key) => [key, Array.isArray(options[key]) ? [] : undefined])) };
};
