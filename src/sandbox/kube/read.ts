import { badRequest, expired, notFound, StatusError, tooLargeVersion } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { goJsonProblem } from './go-text.ts';
import { numberAt, textAt } from './json.ts';
import { apiVersionOf, resourceNameOf } from './resources.ts';
import { sendList, sendObject } from './respond.ts';
import { toScale } from './scale.ts';
import { refuseListOptions } from './list-options.ts';
import { parseFieldSelector, parseLabelSelector, type Selector } from './selectors.ts';
import type { Store, StoredObject } from './store.ts';
import type { Target } from './target.ts';

export const get = async (exchange: Exchange): Promise<void> => {
  await untilReached(exchange);
  const object = findTarget(exchange.api.store, exchange.target);
  sendObject(exchange, 200, exchange.target.subresource === 'scale' ? toScale(object) : object);
};

/** With `limit`, a page and a token; all pages show the moment of the first. */
export const list = async (exchange: Exchange): Promise<void> => {
  const { api, target, query } = exchange;
  refuseListOptions(query);
  const limit = readInteger(query, 'limit') ?? 0;
  const token = query.get('continue');
  if (token && query.get('resourceVersion')) throw badRequest('specifying resource version is not allowed when using continue');
  const page = token ? parseContinue(token) : undefined;
  await untilReached(exchange);
  const version = page?.version ?? api.store.resourceVersion;

  const matching = listAtVersion(exchange, page?.version ?? exactVersion(query)).filter(parseSelectors(exchange));
  const rest = page ? matching.filter((object) => isAfter(object, page.start)) : matching;
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  sendList(exchange, {
    kind: `${target.resource.kind}List`,
    apiVersion: apiVersionOf(target.resource),
    metadata: {
      resourceVersion: version,
      ...(last && remaining > 0 ? { continue: toContinue(version, last), ...(hasSelectors(query) ? {} : { remainingItemCount: remaining }) } : {}),
    },
    items,
  });
};

export const findTarget = (store: Store, { resource, namespace, name = '' }: Target): StoredObject => {
  const found = store.get(resourceNameOf(resource), namespace, name);
  if (!found) throw notFound(resourceNameOf(resource), name);
  return found;
};

/** The query's label and field selectors, and the name when the path has one. */
export const parseSelectors = ({ query, target }: Exchange): Selector => {
  const byLabel = parseLabelSelector(query.get('labelSelector') ?? '');
  const byField = parseFieldSelector(query.get('fieldSelector') ?? '', target.resource.kind);
  return (object) => byLabel(object) && byField(object) && (target.name === undefined || textAt(object, 'metadata', 'name') === target.name);
};

/** Those of lists and of watches differ in what they say to a version that is none. */
export const parseVersion = (text: string, refuse: (problem: string) => Error): number => {
  if (!/^\d+$/.test(text)) throw refuse(`resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};

/** How long the API server waits for a version that it has not reached. */
const patienceMs = 3000;

/** Of what is asked for at a version that is still to come. */
export const untilReached = async ({ api: { store }, query }: Pick<Exchange, 'api' | 'query'>): Promise<void> => {
  const wanted = query.get('resourceVersion') ?? '';
  const isReached = (): boolean => !/^\d+$/.test(wanted) || Number(wanted) <= Number(store.resourceVersion);
  if (isReached()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  const stop = store.subscribe(() => isReached() && resolve());
  await promise;
  clearTimeout(timer);
  stop();
  if (!isReached()) throw tooLargeVersion(wanted, store.resourceVersion);
};

export const readInteger = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};

/** What is counted beyond a page would have to be looked at first, where it is chosen from. */
const hasSelectors = (query: URLSearchParams): boolean => ['labelSelector', 'fieldSelector'].some((name) => (query.get(name) ?? '') !== '');

/** Only `resourceVersionMatch=Exact` asks for the past; any other version means: at least as new as that. */
const exactVersion = (query: URLSearchParams): string | undefined => {
  const version = query.get('resourceVersion') ?? '';
  if (version) parseVersion(version, (problem) => badRequest(`invalid resource version: ${problem}`));
  return query.get('resourceVersionMatch') === 'Exact' ? version : undefined;
};

const listAtVersion = ({ api, target, query }: Exchange, version: string | undefined): StoredObject[] => {
  const resource = resourceNameOf(target.resource);
  if (version === undefined) return api.store.list(resource, target.namespace);
  try {
    return api.store.listAt(version, resource, target.namespace);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw expired(
      query.has('continue')
        ? 'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.'
        : 'The resourceVersion for the provided list is too old.',
    );
  }
};

const keyOf = ({ metadata }: StoredObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const isAfter = (object: StoredObject, start: string): boolean => keyOf(object) > start;

const toContinue = (version: string, last: StoredObject): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: Number(version), start: keyOf(last) })).toString('base64url');

const parseContinue = (token: string): { version: string; start: string } => {
  const text = Buffer.from(token, 'base64url').toString('latin1');
  let problem = 'it says nothing';
  try {
    const read: unknown = JSON.parse(text);
    const [version, start] = [numberAt(read, 'rv'), textAt(read, 'start')];
    if (version !== undefined && start !== undefined) return { version: String(version), start };
  } catch (error) {
    problem = goJsonProblem(text, error);
  }
  throw badRequest(`invalid continue token: continue key is not valid: ${problem}`);
};
