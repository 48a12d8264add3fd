import type { SandboxOptions } from '../../src/sandbox/index.ts';
import { shell } from './shell.ts';

/** A sandbox whose containers run what the cases run on real nodes. Its time passes faster where a real node waits, as in back-offs. */
export const sandboxOptions: SandboxOptions = { faults: [], speed: 20, programs: [shell] };

export const sandboxImage = 'busybox:1.37';
