import { badRequest } from './errors.ts';
import { isRecord, listAt, recordAt, textAt, valueAt } from './json.ts';

/** Whether an object is meant. */
export type Selector = (object: unknown) => boolean;

type Labels = Record<string, unknown>;
type Requirement = (labels: Labels) => boolean;

/**
 * The query's `labelSelector`: `app=web,tier!=db`, `env in (a, b)`, `env notin (a)`, `gpu`, `!gpu`. Throws 400 for
 * anything else. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
 */
export const parseLabelSelector = (text: string): Selector => {
  const requirements = splitOutsideBrackets(text).map((part) => parseRequirement(part, text));
  return (object) => matches(requirements, recordAt(object, 'metadata', 'labels'));
};

/** A `LabelSelector` of a spec. An empty one matches everything, an absent one nothing. */
export const matchesLabelSelector = (selector: unknown, labels: unknown): boolean => {
  if (!isRecord(selector)) return false;
  const given: Labels = isRecord(labels) ? labels : {};
  const pairs = Object.entries(recordAt(selector, 'matchLabels')).map(([key, value]) => requirements['=']?.(key, [String(value)]));
  const expressions = listAt(selector, 'matchExpressions').map((expression) => {
    const operator = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }[textAt(expression, 'operator') ?? ''];
    return requirements[operator ?? '']?.(textAt(expression, 'key') ?? '', listAt(expression, 'values').map(String));
  });
  return [...pairs, ...expressions].every((requirement) => requirement?.(given) ?? false);
};

/** Fields that every kind can be selected by, and those of some: others are refused, as the API does. */
const selectableFields: Record<string, readonly string[]> = {
  Pod: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'status.phase', 'status.podIP', 'status.nominatedNodeName'],
  Node: ['spec.unschedulable'],
  Job: ['status.successful'],
  Namespace: ['status.phase'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

/** The query's `fieldSelector`: `status.phase!=Failed,spec.nodeName=a`. Throws 400 for a field that cannot be selected by. */
export const parseFieldSelector = (text: string, kind: string): Selector => {
  const allowed = new Set(['metadata.name', 'metadata.namespace', ...(selectableFields[kind] ?? [])]);
  const terms = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => {
      const [, field = '', operator = '', value = ''] = /^([^=!]+)(==|!=|=)(.*)$/.exec(term.trim()) ?? [];
      if (!operator) throw badRequest(`unable to parse requirement: invalid selector: '${text}'; can't understand '${term}'`);
      if (!allowed.has(field)) throw badRequest(`field label not supported: ${field}`);
      return { path: field.split('.'), isEqual: operator !== '!=', value };
    });
  return (object) => terms.every(({ path, isEqual, value }) => (fieldText(object, path) === value) === isEqual);
};

/** A source in an event is its component; everything that is not there reads as empty. */
const fieldText = (object: unknown, path: readonly string[]): string => {
  const value = valueAt(object, ...path);
  if (isRecord(value)) return textAt(value, 'component') ?? '';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
};

const requirements: Record<string, (key: string, values: readonly string[]) => Requirement> = {
  '=': (key, [value]) => (labels) => labels[key] === value,
  '!=': (key, [value]) => (labels) => labels[key] !== value,
  in: (key, values) => (labels) => Object.hasOwn(labels, key) && values.includes(String(labels[key])),
  notin: (key, values) => (labels) => !Object.hasOwn(labels, key) || !values.includes(String(labels[key])),
  exists: (key) => (labels) => Object.hasOwn(labels, key),
  '!': (key) => (labels) => !Object.hasOwn(labels, key),
};

const matches = (all: readonly Requirement[], labels: Labels): boolean => all.every((requirement) => requirement(labels));

const key = '[A-Za-z0-9./_-]+';
const forms: { form: RegExp; operator: (operator: string) => string }[] = [
  { form: new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`), operator: (operator) => operator },
  { form: new RegExp(`^(${key})\\s*(==|!=|=)\\s*([A-Za-z0-9._-]*)$`), operator: (operator) => (operator === '==' ? '=' : operator) },
  { form: new RegExp(`^(${key})()()$`), operator: () => 'exists' },
];

const parseRequirement = (part: string, text: string): Requirement => {
  const isAbsence = /^!\s*\S+$/.test(part);
  const bare = isAbsence ? part.slice(1).trim() : part;
  for (const { form, operator } of forms) {
    const found = form.exec(bare);
    const [, name = '', sign = '', values = ''] = found ?? [];
    const create = requirements[isAbsence ? '!' : operator(sign)];
    if (found && create && !(isAbsence && sign)) return create(name, values.split(',').map((value) => value.trim()));
  }
  throw badRequest(`unable to parse requirement: ${JSON.stringify(part)} in label selector ${JSON.stringify(text)}`);
};

const splitOutsideBrackets = (text: string): string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
