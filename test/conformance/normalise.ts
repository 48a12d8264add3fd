import { isRecord, type JsonRecord, listAt, recordAt, textAt } from '../../src/sandbox/kube/json.ts';

/** What is the same thing under another name on another server, or at another time. */
export interface Surroundings {
  namespace: string;
  image: string;
}

const replacements: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\b(?!127\.0\.0\.1|0\.0\.0\.0)\d+\.\d+\.\d+\.\d+\b/g, '<address>'],
  // Letters that cannot spell a word: a template's hash and what is made from generateName.
  [/-[bcdf-hj-np-tv-xz2456789]{6,10}-[bcdf-hj-np-tv-xz2456789]{5}(?![\w-])/g, '-<hash>-<suffix>'],
  [/-[bcdf-hj-np-tv-xz2456789]{5}(?![\w-])/g, '-<suffix>'],
  [/-[bcdf-hj-np-tv-xz2456789]{6,10}(?![\w-])/g, '-<hash>'],
  [/-[bcdf-hj-np-tv-xz2456789]{8,10}-$/g, '-<hash>-'],
  [/pod-template-hash=\w+/g, 'pod-template-hash=<hash>'],
  [/\b(containerd|docker|cri-o):\/\/[0-9a-f]{64}/g, '<container>'],
  [/[\w./:-]+@sha256:[0-9a-f]{64}/g, '<digest>'],
  [/sha256:[0-9a-f]{64}/g, '<digest>'],
  [/\b[0-9a-f]{64}\b/g, '<container>'],
  // An object that is quoted in a message.
  [/(\\?"resourceVersion\\?":\\?")\d+/g, '$1<version>'],
];

/** An object that is quoted whole in a refusal says nothing that its reason does not. */
const quoted: readonly [RegExp, string][] = [
  [/Invalid value: "(?:[^"\\]|\\.){160,}"/g, 'Invalid value: <object>'],
  [/Invalid value: \{.{160,}\}: (?=field is immutable)/g, 'Invalid value: <object>: '],
];

const hidden: Record<string, string> = {
  resourceVersion: '<version>',
  continue: '<token>',
  'pod-template-hash': '<hash>',
  'controller-revision-hash': '<hash>',
  nodeName: '<node>',
  host: '<node>',
  hostIP: '<address>',
  imageID: '<digest>',
};

/** The observation without what must differ; everything else stays to the letter. Fields come in one order, so that recordings do not move. */
export const normalise = (value: unknown, surroundings: Surroundings): unknown => {
  const visit = (current: unknown): unknown => {
    if (typeof current === 'string') return normaliseText(current, surroundings);
    if (Array.isArray(current)) return current.map(visit);
    if (!isRecord(current)) return current;
    return Object.fromEntries(
      Object.entries(withSortedLists(current))
        .filter(([, content]) => content !== undefined)
        .map(([field, content]): [string, unknown] => [normaliseText(field, surroundings), (typeof content === 'string' && content !== '' && hidden[field]) || visit(content)])
        .sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  };
  return visit(value);
};

/**
 * Lists whose order is chance: managers are sorted by times in whole seconds, and causes come out of maps. A message that
 * says all of the causes is put together from them, so that nothing is lost with it.
 */
const withSortedLists = (record: JsonRecord): JsonRecord => {
  const { managedFields, details, message } = record;
  const causes = listAt(details, 'causes');
  return {
    ...record,
    ...(Array.isArray(managedFields) ? { managedFields: managedFields.toSorted(by('manager', 'operation', 'subresource')) } : {}),
    ...(causes.length > 1 ? { details: { ...recordAt(details), causes: causes.toSorted(by('field', 'message')) }, message: withSortedCauses(String(message), causes) } : {}),
  };
};

const by =
  (...fields: string[]) =>
  (left: unknown, right: unknown): number => {
    const key = (entry: unknown): string => fields.map((field) => textAt(entry, field)).join(' ');
    return key(left) < key(right) ? -1 : 1;
  };

/** `Pod "a" is invalid: [one, two]`, and the conflicts of an apply, which are told by manager. */
const withSortedCauses = (message: string, causes: readonly unknown[]): string => {
  const told = [...new Set(causes.map((cause) => `${textAt(cause, 'field')}: ${textAt(cause, 'message')}`))];
  const list = `[${told.join(', ')}]`;
  if (message.includes(list)) return message.replace(list, () => `[${told.toSorted().join(', ')}]`);
  const [first = '', ...rest] = message.split(/\n(?=conflicts with)|: (?=conflicts with)/);
  return [first, ...rest.toSorted()].join('\n');
};

const normaliseText = (text: string, { namespace, image }: Surroundings): string => {
  let result = text.replaceAll(namespace, '<namespace>').replaceAll(image, '<image>');
  for (const [pattern, replacement] of [...quoted, ...replacements]) result = result.replace(pattern, replacement);
  return result;
};
