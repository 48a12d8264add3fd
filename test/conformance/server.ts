import { setTimeout as delay } from 'node:timers/promises';
import { type JsonRecord, isRecord, numberAt, textAt, valueAt } from '../../src/sandbox/kube/json.ts';
import type { Answer, Api, SendOptions } from './api.ts';

/** One of the servers that are compared, with a namespace of the case's own and an image that its nodes can run. */
export interface TestServer {
  api: Api;
  namespace: string;
  /** Holds BusyBox: `sh`, `echo`, `sleep`, `nc`. */
  image: string;
}

/** One thing that a client may ask for, and what it sees when it does: plain data, the same on every server. */
export interface ConformanceCase {
  title: string;
  /** `pods`: nodes that run the image; `identities`: the right to act as somebody else; `age`: a server that has begun to forget. Absent: nothing but the namespace. */
  needs?: 'pods' | 'identities' | 'age';
  /** Older servers answer otherwise, and are not asked. */
  sinceMinorVersion?: number;
  observe(server: TestServer): Promise<unknown>;
}

const groups: Record<string, string> = {
  deployments: '/apis/apps/v1',
  replicasets: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  daemonsets: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
  leases: '/apis/coordination.k8s.io/v1',
  roles: '/apis/rbac.authorization.k8s.io/v1',
  rolebindings: '/apis/rbac.authorization.k8s.io/v1',
};

/** `configmaps`, `deployments/web`, `pods/web/log?tailLines=1`: below the namespace of the case. */
export const pathOf = ({ namespace }: Pick<TestServer, 'namespace'>, rest: string): string => {
  const [plural = ''] = rest.split(/[/?]/);
  return `${groups[plural] ?? '/api/v1'}/namespaces/${namespace}/${rest}`;
};

export const send = (server: TestServer, method: string, rest: string, body?: unknown, options: SendOptions = {}): Promise<Answer> =>
  server.api.send(method, pathOf(server, rest), { ...(body === undefined ? {} : { body }), ...options });

/** What must work for the case to say anything: fails with the server's own answer. */
export const must = async (answer: Promise<Answer>): Promise<JsonRecord> => {
  const { code, text, body } = await answer;
  if (code >= 300 || !isRecord(body)) throw new Error(`The server answered ${code}: ${text}`);
  return body;
};

export const apply = (server: TestServer, rest: string, body: unknown, manager: string, query = ''): Promise<Answer> =>
  send(server, 'PATCH', `${rest}?fieldManager=${manager}${query}`, body, { contentType: 'application/apply-patch+yaml' });

export const patchTypes = {
  json: { contentType: 'application/json-patch+json' },
  merge: { contentType: 'application/merge-patch+json' },
  strategic: { contentType: 'application/strategic-merge-patch+json' },
} as const;

/** Code, warnings and body: all of an answer that a client acts on. */
export const seen = ({ code, body, text, headers }: Answer): JsonRecord => ({
  code,
  ...(headers.warning === undefined ? {} : { warnings: headers.warning.split(/, (?=299 )/) }),
  body: body ?? text,
});

/** A refusal and all that it says; of an acceptance only that it was one. */
export const verdict = (answer: Answer): JsonRecord => (answer.code < 300 ? { code: answer.code } : seen(answer));

const patienceMs = 150_000;

/** Asks until the object is as wanted; undefined: until it is gone. Ends with what was seen last. */
export const until = async (server: TestServer, rest: string, isWanted: (object: JsonRecord | undefined) => boolean): Promise<JsonRecord> => {
  const endsAt = Date.now() + patienceMs;
  for (;;) {
    const { code, body } = await send(server, 'GET', rest);
    const object = code === 200 && isRecord(body) ? body : undefined;
    if (isWanted(object)) return object ?? {};
    if (Date.now() > endsAt) throw new Error(`${rest} did not become as wanted within ${patienceMs / 1000} s: ${JSON.stringify(body)}`);
    await delay(100);
  }
};

export const isGone = (object: JsonRecord | undefined): boolean => object === undefined;

export const hasCondition =
  (type: string, status = 'True') =>
  (object: JsonRecord | undefined): boolean =>
    conditionsOf(object).some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === status);

export const conditionsOf = (object: unknown): JsonRecord[] => {
  const conditions = valueAt(object, 'status', 'conditions');
  return Array.isArray(conditions) ? conditions.filter(isRecord) : [];
};

/** Versions are opaque but for their order, which the API promises since 1.35. */
export const versionOf = (object: unknown): number => Number(textAt(object, 'metadata', 'resourceVersion'));

export const generationOf = (object: unknown): number | undefined => numberAt(object, 'metadata', 'generation');

export const itemsOf = (list: unknown): JsonRecord[] => {
  const items = valueAt(list, 'items');
  return Array.isArray(items) ? items.filter(isRecord) : [];
};

export const namesOf = (list: unknown): string[] => itemsOf(list).map((item) => textAt(item, 'metadata', 'name') ?? '');
