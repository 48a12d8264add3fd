import { UsageError } from '../domain/errors.ts';
import { parseParameter, type ParameterName, type Parameters, type ParameterValue } from './parameters.ts';

/**
 * `chat "What is this?"` asks the only served workspace, `chat my-model` talks to that one: a single word that may be a
 * workspace's name is one, everything else is a prompt.
 */
export const readPromptArguments = (words: readonly string[]): { name: string | undefined; prompt: string | undefined } => {
  const [first, second, ...rest] = words;
  if (rest.length > 0) throw new UsageError('A prompt of several words is one argument.', { hints: [`kaito-ts chat ${JSON.stringify(words.join(' '))}`] });
  if (first === undefined) return { name: undefined, prompt: undefined };
  if (second !== undefined) return { name: first, prompt: second };
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(first) ? { name: first, prompt: undefined } : { name: undefined, prompt: first };
};

/** Checks what the command line gives by the same rules as `/set`. */
export const readParameters = (given: Partial<Record<ParameterName, number | readonly string[] | undefined>>): Parameters => {
  const parameters: Partial<Record<ParameterName, ParameterValue>> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const parsed = parseParameter(key, Array.isArray(value) ? value.join(',') : String(value));
    parameters[parsed.name] = parsed.value;
  }
  return parameters;
};
