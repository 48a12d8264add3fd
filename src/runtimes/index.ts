import type { Runtime } from './runtime.ts';
import { transformers } from './transformers.ts';
import { vllm } from './vllm.ts';

export const runtimeNames = ['vllm', 'transformers'] as const;
export type RuntimeName = (typeof runtimeNames)[number];

export const runtimes = { vllm, transformers } satisfies Record<RuntimeName, Runtime>;

/** KAITO takes anything but exactly `transformers` for vLLM. */
export const toRuntimeName = (annotation: string | undefined): RuntimeName => (annotation === 'transformers' ? 'transformers' : 'vllm');
