import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { isRecord, textAt } from '../../src/sandbox/kube/json.ts';
import type { Credentials } from './api.ts';

/** A way to answer falsely, as a server that is wrong in one place would. */
export interface Lie {
  name: string;
  /** A case that cannot but notice: its file and title. */
  noticedBy: readonly [file: string, title: string];
  /** The request as it is passed on. */
  askInstead?: (request: { method: string; url: string; contentType: string }) => string;
  /** A line of a watch; undefined drops it. */
  tellInstead?: (line: string) => string | undefined;
  /** A whole answer. */
  answerInstead?: (body: unknown) => unknown;
}

const changeStatus =
  (reason: string, change: (status: Record<string, unknown>) => Record<string, unknown>) =>
  (body: unknown): unknown =>
    isRecord(body) && body['kind'] === 'Status' && body['reason'] === reason ? change(body) : body;

export const lies: readonly Lie[] = [
  {
    name: 'a deletion is kept from watches',
    noticedBy: ['watch', 'a watch resumes after the version it is given and tells everything since, in order'],
    tellInstead: (line) => (textAt(JSON.parse(line), 'type') === 'DELETED' ? undefined : line),
  },
  {
    name: 'a change is told twice',
    noticedBy: ['watch', 'a watch resumes after the version it is given and tells everything since, in order'],
    tellInstead: (line) => (textAt(JSON.parse(line), 'type') === 'MODIFIED' ? `${line}\n${line}` : line),
  },
  {
    name: 'a conflict is called a bad request',
    noticedBy: ['patch', 'a stale version is refused in an update and in a patch, and an update without one is not'],
    answerInstead: changeStatus('Conflict', (status) => ({ ...status, reason: 'BadRequest' })),
  },
  {
    name: 'what is not there is told without its name',
    noticedBy: ['protocol', 'what is not there is told with its kind and name, and what the API does not have at all without'],
    answerInstead: changeStatus('NotFound', (status) => ({ ...status, details: {} })),
  },
  {
    name: 'an apply does not mind conflicts',
    noticedBy: ['apply', 'one field of another manager is a conflict, and force takes it over'],
    askInstead: ({ method, url, contentType }) => (method === 'PATCH' && contentType.includes('apply-patch') ? `${url}&force=true` : url),
  },
  {
    name: 'a dry run is carried out',
    noticedBy: ['apply', 'a dry run says what would be, and does nothing'],
    askInstead: ({ url }) => url.replace('dryRun=All', 'dry=All'),
  },
  {
    name: 'pages are not limited',
    noticedBy: ['list', 'pages follow each other at the version of the first, whatever is made meanwhile'],
    askInstead: ({ url }) => url.replace(/limit=\d+/, 'limit=0'),
  },
  {
    name: 'unknown fields are ignored',
    noticedBy: ['field-validation', 'fields that nobody knows are refused, warned of or dropped when something is made'],
    askInstead: ({ url }) => url.replaceAll(/fieldValidation=\w+/g, 'fieldValidation=Ignore'),
  },
];

/** A server of its own, that passes everything on to another and lies in one place. Loopback only, and without TLS. */
export const startLiar = async ({ server, tls, token }: Credentials, lie: Omit<Lie, 'name' | 'noticedBy'>): Promise<{ credentials: Credentials; close(): void }> => {
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const url = lie.askInstead?.({ method, url: request.url ?? '/', contentType: request.headers['content-type'] ?? '' }) ?? request.url ?? '/';
    const body = await buffer(request);
    const { host: _host, ...headers } = request.headers;
    const onward = httpsRequest(`${server}${url}`, { method, ...tls, headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });
    onward.end(body);
    const [answer]: IncomingMessage[] = await once(onward, 'response');
    if (!answer) return void response.destroy();
    response.once('close', () => answer.destroy());
    const { 'content-length': _length, ...answered } = answer.headers;
    response.writeHead(answer.statusCode ?? 500, answered);
    if (/[?&]watch=/.test(url) && answer.statusCode === 200) {
      response.flushHeaders();
      for await (const line of createInterface({ input: answer })) {
        const told = lie.tellInstead ? lie.tellInstead(line) : line;
        if (told !== undefined) response.write(`${told}\n`);
      }
      response.end();
      return;
    }
    const text = (await buffer(answer)).toString('utf8');
    response.end(lie.answerInstead && answered['content-type']?.includes('json') ? JSON.stringify(lie.answerInstead(JSON.parse(text))) : text);
  };
  const liar = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');
  const address = liar.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    credentials: { server: `http://127.0.0.1:${address.port}`, tls: {}, token: undefined },
    close: () => {
      liar.close();
      liar.closeAllConnections();
    },
  };
};
