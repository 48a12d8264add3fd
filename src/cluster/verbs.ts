import { BugError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import { applyObject, getObject, isMissingObject } from './apply.ts';
import type { Call, Cluster, ClusterTarget, DeleteOptions, ListOptions, Scope, WatchEvent } from './cluster.ts';
import { toCall } from './abort.ts';
import { connectToPort } from './connect.ts';
import type { Endpoint } from './endpoint.ts';
import { apiResources, type Kind, type Kinds } from './kinds.ts';
import { listAll } from './list.ts';
import { readLogs } from './logs.ts';
import { isRecord, toObject } from './object.ts';
import type { Question } from './question.ts';
import { findResource } from './resource.ts';
import type { Transport } from './transport.ts';
import { watchObjects } from './watch.ts';

/** The verbs of `Cluster`, each as one question to the API. */
export const createVerbs = ({ endpoint, transport, target }: { endpoint: Endpoint; transport: Transport; target: ClusterTarget }): Cluster => {
  const about = (verb: Question['verb'], kind: Kind, { namespace = target.namespace }: Scope): Question => {
    const resource = apiResources[kind];
    return { verb, kind, resource, ...(resource.namespaced ? { namespace } : {}) };
  };
  const aboutMany = (verb: 'list' | 'watch', kind: Kind, options: ListOptions): Question => {
    const { namespace: _everywhere, ...unscoped } = about(verb, kind, options);
    return options.allNamespaces ? unscoped : about(verb, kind, options);
  };
  const aboutObject = async (verb: Question['verb'], { apiVersion, kind, metadata }: KubernetesObject, call: Call): Promise<Question> => {
    const resource = await findResource(transport, apiVersion, kind, call);
    return { verb, kind, resource, ...(resource.namespaced ? { namespace: metadata.namespace ?? target.namespace } : {}) };
  };

  return {
    target,
    async get(kind, name, options = {}) {
      const object = await getObject(transport, { ...about('get', kind, options), name }, toCall(options));
      return object === undefined ? undefined : asKind(kind, object);
    },
    async list(kind, options = {}) {
      const { items } = await listAll(transport, aboutMany('list', kind, options), options);
      return items.map((item) => asKind(kind, item));
    },
    watch: (kind, options) => asEventsOf(kind, watchObjects({ endpoint, transport }, aboutMany('watch', kind, options), options)),
    async apply(object, options = {}) {
      const question = await aboutObject('patch', object, toCall(options));
      return await applyObject(transport, { ...question, name: object.metadata.name }, object, options);
    },
    async create(object, options = {}) {
      const question = await aboutObject('create', object, toCall(options));
      const { body } = await transport.ask({ question, method: 'POST', body: object, ...toCall(options) });
      // The answer to a POST is the same object, completed: whatever type went in comes out.
      return Object.assign(structuredClone(object), toObject(body));
    },
    async delete(kind, name, options = {}) {
      try {
        await transport.ask({ question: { ...about('delete', kind, options), name }, method: 'DELETE', body: toDeleteBody(options), ...toCall(options) });
        return true;
      } catch (error) {
        if (isMissingObject(error)) return false;
        throw error;
      }
    },
    logs: (pod, options) => readLogs({ endpoint, transport }, { ...about('get', 'Pod', options), name: pod, subresource: 'log' }, options),
    connect: (pod, port, options) => connectToPort(endpoint, { ...about('get', 'Pod', options), name: pod, subresource: 'portforward' }, port, toCall(options)),
    async serverVersion(options = {}) {
      const question: Question = { verb: 'get', kind: 'version', resource: { apiVersion: 'v1', plural: '/version', namespaced: false } };
      const { body } = await transport.ask({ question, path: '/version', method: 'GET', ...toCall(options) });
      return isRecord(body) && typeof body['gitVersion'] === 'string' ? body['gitVersion'] : 'unknown';
    },
    close: () => endpoint.close(),
  };
};

const toDeleteBody = ({ propagation = 'Background', uid }: DeleteOptions): unknown => ({
  apiVersion: 'v1',
  kind: 'DeleteOptions',
  propagationPolicy: propagation,
  ...(uid === undefined ? {} : { preconditions: { uid } }),
});

const isOfKind = <K extends Kind>(kind: K, object: KubernetesObject): object is KubernetesObject & Kinds[K] => object.kind === kind;

const asKind = <K extends Kind>(kind: K, object: KubernetesObject): Kinds[K] => {
  if (!isOfKind(kind, object)) throw new BugError(`Asked for ${kind}, was given ${object.kind}.`);
  return object;
};

async function* asEventsOf<K extends Kind>(kind: K, events: AsyncIterable<WatchEvent<KubernetesObject>>): AsyncGenerator<WatchEvent<Kinds[K]>, void, undefined> {
  for await (const event of events) yield event.type === 'synced' ? event : { type: event.type, object: asKind(kind, event.object) };
}
