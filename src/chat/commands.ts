import { UsageError } from '../domain/errors.ts';
import { parseParameter, type ParameterName, type ParameterValue } from './parameters.ts';

/** What a line at the prompt asks for. */
export type ReplCommand =
  | { name: 'help' }
  | { name: 'quit' }
  | { name: 'clear' }
  | { name: 'undo' }
  | { name: 'retry' }
  | { name: 'params' }
  /** Undefined shows it, the empty text removes it. */
  | { name: 'system'; text: string | undefined }
  /** `value` undefined takes the server's default again. */
  | { name: 'set'; parameter: ParameterName; value: ParameterValue | undefined }
  /** Undefined lists them. */
  | { name: 'model'; model: string | undefined }
  /** Undefined lists them, null goes back to the base model. */
  | { name: 'adapter'; adapter: string | null | undefined }
  | { name: 'save'; file: string }
  | { name: 'load'; file: string }
  /** Undefined shows those of the last answer, else whether they follow every answer. */
  | { name: 'stats'; isShown: boolean | undefined };

interface CommandRule {
  usage: string;
  summary: string;
  parse: (rest: string) => ReplCommand;
}

const onlyItself = (command: ReplCommand) => (rest: string) => {
  if (rest !== '') throw new UsageError(`/${command.name} takes nothing after it.`);
  return command;
};

const quit = onlyItself({ name: 'quit' });

const needed = (rest: string, usage: string): string => {
  if (rest === '') throw new UsageError(`Something is missing after ${usage.split(' ')[0]}.`, { hints: [`Write it as ${usage}.`] });
  return rest;
};

/** In the order of `/help`. */
export const commandRules: Record<string, CommandRule> = {
  help: { usage: '/help', summary: 'this list', parse: onlyItself({ name: 'help' }) },
  clear: { usage: '/clear', summary: 'forget the conversation, keep the settings', parse: onlyItself({ name: 'clear' }) },
  retry: { usage: '/retry', summary: 'ask the last question again', parse: onlyItself({ name: 'retry' }) },
  undo: { usage: '/undo', summary: 'take the last question and its answer back', parse: onlyItself({ name: 'undo' }) },
  system: { usage: '/system [text]', summary: 'show or set the system prompt; "" removes it', parse: (rest) => ({ name: 'system', text: rest === '' ? undefined : unquote(rest) }) },
  set: { usage: '/set <parameter> <value>', summary: 'set a parameter; "default" takes the server\'s', parse: (rest) => parseSet(rest) },
  params: { usage: '/params', summary: 'show the parameters', parse: onlyItself({ name: 'params' }) },
  model: { usage: '/model [name]', summary: 'list what is served, or choose', parse: (rest) => ({ name: 'model', model: rest === '' ? undefined : rest }) },
  adapter: {
    usage: '/adapter [name]',
    summary: 'list the adapters, or choose; "none" for the base model',
    parse: (rest) => ({ name: 'adapter', adapter: rest === '' ? undefined : rest === 'none' ? null : rest }),
  },
  save: { usage: '/save <file>', summary: 'write the conversation to a file', parse: (rest) => ({ name: 'save', file: needed(rest, '/save <file>') }) },
  load: { usage: '/load <file>', summary: 'go on with a saved conversation', parse: (rest) => ({ name: 'load', file: needed(rest, '/load <file>') }) },
  stats: { usage: '/stats [on|off]', summary: 'speed and token counts of the last answer, or of every answer', parse: (rest) => ({ name: 'stats', isShown: parseSwitch(rest) }) },
  quit: { usage: '/quit', summary: 'leave; Ctrl-D does too', parse: quit },
  exit: { usage: '/exit', summary: 'the same', parse: quit },
};

/** Undefined when the line is not a command but something to say; UsageError when it is a wrong one. */
export const parseCommand = (line: string): ReplCommand | undefined => {
  const found = /^\/(?<name>[a-z]+)(?:\s+(?<rest>[\s\S]*))?$/.exec(line.trim());
  if (!found?.groups) return undefined;
  const { name = '', rest = '' } = found.groups;
  const rule = Object.hasOwn(commandRules, name) ? commandRules[name] : undefined;
  if (!rule) throw new UsageError(`There is no command /${name}.`, { hints: ['/help lists them. To say something that begins with a slash, put a space before it.'] });
  return rule.parse(rest.trim());
};

/** Whole lines that could be meant by the line so far, for the Tab key. */
export const completeCommand = (line: string): string[] =>
  line.startsWith('/') ? Object.keys(commandRules).map((name) => `/${name}`).filter((command) => command.startsWith(line)) : [];

const parseSet = (rest: string): ReplCommand => {
  const [name = '', ...words] = rest.split(/\s+/);
  const value = words.join(' ');
  if (name === '' || value === '') throw new UsageError('/set needs a parameter and a value.', { hints: ['Write it as /set temperature 0.2, or /set temperature default. /params lists them.'] });
  if (value === 'default') return { name: 'set', parameter: parseParameterName(name), value: undefined };
  const parsed = parseParameter(name, value);
  return { name: 'set', parameter: parsed.name, value: parsed.value };
};

/** Any value would do: the name is what is looked at. */
const parseParameterName = (name: string): ParameterName => parseParameter(name, '1').name;

const parseSwitch = (rest: string): boolean | undefined => {
  if (rest === '') return undefined;
  if (rest === 'on' || rest === 'off') return rest === 'on';
  throw new UsageError(`/stats is on or off, and was given ${JSON.stringify(rest)}.`);
};

const unquote = (text: string): string => (/^"[\s\S]*"$/.test(text) && text.length > 1 ? text.slice(1, -1) : text);
