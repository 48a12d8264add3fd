import { describe, expect, it } from 'vitest';
import { besideFile } from '../../src/cli/file-fields.ts';
import type { Origin } from '../../src/cli/options.ts';

const from = (origin: Origin) => ({ from: origin });

describe('options beside a Workspace file', () => {
  const options = { filename: ['w.yaml'], preset: 'a', instanceType: 'b', adapter: ['c'], registry: 'r', spot: true };
  const origins = { filename: from('flag'), preset: from('flag'), instanceType: from('environment'), adapter: from('file'), registry: from('environment'), spot: from('file') };

  it('take the place of its fields only when the command line says them', () => {
    expect(besideFile(options, origins)).toEqual({ ...options, instanceType: undefined, adapter: [] });
  });

  it('are what they are without a file', () => {
    expect(besideFile({ ...options, filename: [] }, origins)).toEqual({ ...options, filename: [] });
  });
});
