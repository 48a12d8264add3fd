import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { requireAccess, toAccessRequest, type User } from './access.ts';
import { deleteCollection, deleteOne } from './delete.ts';
import { describeVersion, discover, isUnknownGroup } from './discovery.ts';
import { badRequest, forbidden, methodNotAllowed, unknownPath } from './errors.ts';
import { type Api, type Exchange, sendJson, sendText } from './exchange.ts';
import { refuseBeyondLimits } from './limits.ts';
import { sendLog } from './log.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { textAt } from './json.ts';
import { acceptPortForward, createForward, parsePorts, requirePorts } from './portforward.ts';
import { findTarget, get, list } from './read.ts';
import { resourceNameOf, verbsOf } from './resources.ts';
import { answerReview } from './reviews.ts';
import { parseTarget, type Target, verbOf } from './target.ts';
import { watch } from './watch.ts';
import { create, patch, update } from './write.ts';

type Identify = (request: IncomingMessage) => User;
type Handler = (exchange: Exchange) => void | Promise<void>;

/** Answers one request; throws the StatusError that says why not. */
export const answer = async (api: Api, request: IncomingMessage, response: ServerResponse, identify: Identify): Promise<void> => {
  const { path, query } = parseUrl(request);
  if (['/livez', '/readyz', '/healthz'].includes(path) && !api.faults.has('api-down')) return sendText(response, 200, 'ok');

  const user = identify(request);
  if (path === '/version') return sendJson(response, 200, describeVersion());
  const openApi = path === '/openapi/v3' ? openApiIndex() : openApiDocument(path.replace(/^\/openapi\/v3/, ''));
  if (openApi && path.startsWith('/openapi/v3')) return sendJson(response, 200, openApi);

  const target = parseTarget(path);
  if (!target) {
    refuseBeyondLimits(path);
    if (isUnknownGroup(path) || !/^\/(?:apis?|openapi)(?:\/|$)/.test(path)) return sendText(response, 404, '404 page not found\n');
    if (request.method !== 'GET') throw unknownPath();
    return discover(request, response, path);
  }
  const verb = verbOf(request.method ?? 'GET', target, isWatch(query));
  if (!verb || (verb === 'deletecollection' && !verbsOf(target.resource).includes(verb))) throw methodNotAllowed();
  const handler = handlerOf(target, verb);
  if (!handler) {
    refuseBeyondLimits(path);
    throw unknownPath();
  }
  requireAccess(api.authorize, toAccessRequest(user, verb, target.resource, target));
  await handler({ api, target, query, request, response, user });
};

/** Takes over a connection that asks for another protocol: that is how ports are forwarded, and nothing else here. */
export const upgrade = async (
  api: Api,
  request: IncomingMessage,
  { socket, head }: { socket: Duplex; head: Buffer },
  identify: Identify,
): Promise<void> => {
  const { path, query } = parseUrl(request);
  const user = identify(request);
  const target = parseTarget(path);
  if (target?.subresource !== 'portforward' || target.resource.kind !== 'Pod') {
    refuseBeyondLimits(path);
    throw unknownPath();
  }
  const verb = request.method === 'POST' ? 'create' : 'get';
  requireAccess(api.authorize, toAccessRequest(user, verb, target.resource, target));
  // Since 1.35 a WebSocket, which is opened with GET, needs what a POST would need, and is refused without a reason.
  if (verb === 'get' && !api.authorize(toAccessRequest(user, 'create', target.resource, target))) throw forbidden(resourceNameOf(target.resource), target.name, '');
  const pod = findTarget(api.store, target);
  const { name, namespace = '', uid } = pod.metadata;
  if (!textAt(pod, 'spec', 'nodeName')) throw badRequest(`pod ${name} does not have a host assigned`);
  const ports = parsePorts(query);
  requirePorts(request, ports);
  await acceptPortForward(request, socket, head, ports, createForward(api.runtime, { name, namespace, uid }));
};

const handlerOf = ({ resource, subresource }: Target, verb: string): Handler | undefined => {
  if (resource.isQuestion) return answerReview;
  if (subresource === '') return objectHandlers[verb];
  const isKnown = resource.subresources.some((known) => known === subresource);
  return isKnown ? subresourceHandlers[subresource]?.[verb] : undefined;
};

const objectHandlers: Record<string, Handler> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: deleteOne,
  deletecollection: deleteCollection,
};

/** Forwarding starts with an upgrade, and so never comes here with one. */
const needsUpgrade: Handler = () => {
  throw badRequest('Upgrade request required');
};

const subresourceHandlers: Record<string, Record<string, Handler>> = {
  status: { get, update, patch },
  scale: { get, update, patch },
  log: { get: sendLog },
  portforward: { get: needsUpgrade, create: needsUpgrade },
};

/** Whatever is not a no is a yes. */
const isWatch = (query: URLSearchParams): boolean => query.has('watch') && !['false', '0'].includes(query.get('watch') ?? '');

const parseUrl = (request: IncomingMessage): { path: string; query: URLSearchParams } => {
  const [path = '/', query = ''] = (request.url ?? '/').split('?');
  return { path: path.replace(/(?<=.)\/+$/, ''), query: new URLSearchParams(query) };
};
