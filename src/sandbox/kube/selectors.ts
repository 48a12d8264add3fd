import { badRequest } from './errors.ts';
import { isRecord, listAt, recordAt, textAt, valueAt } from './json.ts';
import { parseRequirements } from './label-selector.ts';

/** Whether an object is meant. */
export type Selector = (object: unknown) => boolean;

type Labels = Record<string, unknown>;
type Requirement = (labels: Labels) => boolean;

/**
 * The query's `labelSelector`: `app=web,tier!=db`, `env in (a, b)`, `env notin (a)`, `gpu`, `!gpu`. Throws 400 for
 * anything else. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
 */
export const parseLabelSelector = (text: string): Selector => {
  const parsed = parseRequirements(text).map(({ key, operator, values }) => requirements[operator]?.(key, values) ?? (() => false));
  return (object) => matches(parsed, recordAt(object, 'metadata', 'labels'));
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
      if (!operator) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      if (!allowed.has(field)) throw badRequest(unsupportedField(field, kind));
      return { path: field.split('.'), isEqual: operator !== '!=', value };
    });
  return (object) => terms.every(({ path, isEqual, value }) => (fieldText(object, path) === value) === isEqual);
};

/** Kinds that have fields of their own say so in other words than those that have none. */
const unsupportedField = (field: string, kind: string): string =>
  selectableFields[kind] ? `field label not supported: ${field}` : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;

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
  '>': (key, [value]) => (labels) => Object.hasOwn(labels, key) && Number(labels[key]) > Number(value),
  '<': (key, [value]) => (labels) => Object.hasOwn(labels, key) && Number(labels[key]) < Number(value),
};

const matches = (all: readonly Requirement[], labels: Labels): boolean => all.every((requirement) => requirement(labels));
