import type { Broken } from '../../src/validation/evaluate.ts';
import { configError, type Finding } from '../../src/validation/rule.ts';

export interface KaitoAnswer {
  stage: 'apiserver' | 'webhook' | 'none';
  isPanic: boolean;
  text: string;
}

/** What the operator would print for these, put together as its error type does: equal messages merged, paths and lines sorted. */
export const kaitoAnswer = (all: readonly Broken[]): KaitoAnswer => {
  const broken = all.filter(({ source, rule }) => source === 'kaito' && rule.severity === 'error');
  const of = (stage: string): Finding[] => broken.filter(({ rule }) => rule.stage === stage).map(({ finding }) => finding);
  if (of('schema').length > 0) return { stage: 'apiserver', isPanic: false, text: of('schema').map(({ message }) => message).sort().join('\n') };
  const [firstUnread] = of('decode');
  if (firstUnread) return { stage: 'webhook', isPanic: false, text: `decoding request failed: cannot decode incoming new object: ${firstUnread.message}` };
  if (of('panic').length > 0) return { stage: 'webhook', isPanic: true, text: '' };
  const webhook = of('webhook');
  if (webhook.length === 0) return { stage: 'none', isPanic: false, text: '' };
  const inner = merge(webhook.filter(({ within }) => within !== undefined));
  const outer = webhook.filter(({ within }) => within === undefined);
  return { stage: 'webhook', isPanic: false, text: `validation failed: ${merge([...outer, ...(inner === '' ? [] : [{ message: configError + inner, fieldPaths: ['tuning.Config'] }])])}` };
};

const merge = (findings: readonly Pick<Finding, 'message' | 'fieldPaths'>[]): string => {
  const paths = new Map<string, Set<string>>();
  for (const { message, fieldPaths = [] } of findings) paths.set(message, new Set([...(paths.get(message) ?? []), ...fieldPaths]));
  return [...paths]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([message, of]) => `${message}: ${[...of].sort().join(', ')}`)
    .join('\n');
};
