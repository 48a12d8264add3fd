import { UsageError } from '../domain/errors.ts';
import type { DialectName } from './dialect.ts';

/** What shapes an answer, by the name the API gives it. */
export type Parameters = Readonly<Partial<Record<ParameterName, ParameterValue>>>;

export type ParameterValue = number | string | readonly string[];

interface ParameterRule {
  kind: 'count' | 'integer' | 'number' | 'texts';
  minimum?: number;
  maximum?: number;
  meaning: string;
  /** Servers that take it; the transformers server answers 422 to a key it does not know. */
  dialects: readonly DialectName[];
}

const everywhere: readonly DialectName[] = ['vllm', 'transformers', 'legacy'];

/**
 * `logit_bias` is left out on purpose: the transformers server fails with 500 on whole numbers, and JSON written here
 * cannot tell 1.0 from 1. Ranges are vLLM's; https://docs.vllm.ai/en/latest/api/vllm/sampling_params.html
 */
export const parameterRules = {
  max_tokens: { kind: 'count', minimum: 1, meaning: 'longest answer, in tokens', dialects: everywhere },
  temperature: { kind: 'number', minimum: 0, maximum: 2, meaning: '0 always takes the likeliest token, higher is more varied', dialects: everywhere },
  top_p: { kind: 'number', minimum: 0, maximum: 1, meaning: 'share of the probability to choose from', dialects: everywhere },
  seed: { kind: 'integer', meaning: 'the same seed gives the same answer', dialects: ['vllm', 'transformers'] },
  stop: { kind: 'texts', meaning: 'texts that end the answer, separated by commas', dialects: ['vllm', 'transformers'] },
  frequency_penalty: { kind: 'number', minimum: -2, maximum: 2, meaning: 'above 0 avoids repetition', dialects: ['vllm', 'transformers'] },
  presence_penalty: { kind: 'number', minimum: -2, maximum: 2, meaning: 'above 0 prefers new topics', dialects: ['vllm'] },
  top_k: { kind: 'integer', minimum: -1, meaning: 'how many of the likeliest tokens to choose from, -1 for all', dialects: ['vllm', 'legacy'] },
  min_p: { kind: 'number', minimum: 0, maximum: 1, meaning: 'least probability relative to the likeliest token', dialects: ['vllm'] },
  repetition_penalty: { kind: 'number', minimum: 0.01, maximum: 2, meaning: 'above 1 avoids repetition', dialects: ['vllm', 'legacy'] },
} as const satisfies Record<string, ParameterRule>;

export type ParameterName = keyof typeof parameterRules;

export const isParameterName = (name: string): name is ParameterName => Object.hasOwn(parameterRules, name);

export const parameterNames = Object.keys(parameterRules).filter(isParameterName);

/** UsageError with what would be right. */
export const parseParameter = (name: string, text: string): { name: ParameterName; value: ParameterValue } => {
  const key = name.replaceAll('-', '_');
  if (!isParameterName(key)) {
    throw new UsageError(`There is no parameter ${JSON.stringify(name)}.`, { hints: [`Choose one of: ${parameterNames.join(', ')}.`] });
  }
  const rule: ParameterRule = parameterRules[key];
  if (rule.kind === 'texts') return { name: key, value: text.split(',').filter((part) => part !== '') };

  const value = Number(text);
  const isWhole = rule.kind === 'number' || Number.isSafeInteger(value);
  const isInRange = value >= (rule.minimum ?? -Infinity) && value <= (rule.maximum ?? Infinity);
  if (text.trim() !== '' && Number.isFinite(value) && isWhole && isInRange) return { name: key, value };
  throw new UsageError(`${key} is ${describeRange(rule)}, and was given ${JSON.stringify(text)}.`);
};

/** Parameters that this server would refuse, to be said instead of sent. */
export const unsupportedParameters = (parameters: Parameters, dialect: DialectName): ParameterName[] =>
  parameterNames.filter((name) => parameters[name] !== undefined && !(parameterRules[name].dialects as readonly DialectName[]).includes(dialect));

const describeRange = ({ kind, minimum, maximum }: ParameterRule): string => {
  const noun = kind === 'number' ? 'a number' : 'a whole number';
  if (minimum === undefined) return noun;
  return maximum === undefined ? `${noun} of at least ${minimum}` : `${noun} from ${minimum} to ${maximum}`;
};
