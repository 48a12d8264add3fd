import { dataset } from './dataset.ts';
import { devicePlugin } from './device-plugin.ts';
import type { Program } from './program.ts';
import { puller } from './puller.ts';
import { push } from './push.ts';
import { trainer } from './trainer.ts';
import { transformersServer } from './transformers.ts';
import { vllmServer } from './vllm.ts';
import { weights } from './weights.ts';

/** Everything that containers of the sandbox can run; the first that matches does. */
export const programs: readonly Program[] = [weights, dataset, puller, trainer, push, vllmServer, transformersServer, devicePlugin];
