import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAccess, type Answer, type TokenRequest } from './access.ts';
import { answerControl, behaviourOf, type Control } from './control.ts';
import { createFaults, type Fault } from './faults.ts';
import { removeHostNames } from '../hosts-file.ts';
import { relay } from './relay.ts';
import type { FrontSettings, FrontState } from './settings.ts';
import { startStores } from './stores.ts';

/** The process in front of the registries: answers for all their names, asks for tokens, and lets tests break things. */
const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FrontSettings;
const access = createAccess(settings.privateHost, settings.users);
const faults = createFaults();
const control: Control = { behaviours: new Map(), files: new Map(), requests: [] };

const maximumLoggedRequests = 10_000;

const write = (outgoing: ServerResponse, { status, headers, body }: Answer): void => {
  outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'docker-distribution-api-version': 'registry/2.0', ...headers });
  outgoing.end(JSON.stringify(body));
};

const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const url = new URL(incoming.url ?? '/', 'http://registry');
  const name = (incoming.headers.host ?? '').replace(/:\d+$/, '');
  // containerd comes to the address, and says which registry it means.
  const host = (name === settings.gateway ? url.searchParams.get('ns') : null) ?? name;
  const request = `${incoming.method} ${url.pathname}`;
  outgoing.on('finish', () => {
    control.requests.push({ host, method: incoming.method ?? '', path: incoming.url ?? '', status: outgoing.statusCode });
    if (control.requests.length > maximumLoggedRequests) control.requests.shift();
  });
  if (url.pathname === '/stand-in') {
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(behaviourOf(control, url.searchParams)));
    return;
  }
  const fault = faults.take(host, request);
  if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
  if (fault?.status !== undefined) return write(outgoing, toAnswer(fault, fault.status));
  if (fault?.cutAfterBytes === 0) {
    incoming.socket.destroy();
    return;
  }
  if (host === settings.filesHost) return answerFile(url, outgoing);
  if (host !== settings.privateHost) return relay(incoming, outgoing, { socketPath: settings.stores.public.socket, fault });
  if (url.pathname === '/oauth2/token') return write(outgoing, access.issue(await readTokenRequest(incoming, url)));
  const refused = access.refuse({ method: incoming.method ?? '', path: url.pathname, authorization: incoming.headers.authorization });
  if (refused) return write(outgoing, refused);
  relay(incoming, outgoing, { socketPath: settings.stores.private.socket, fault });
};

const toAnswer = ({ code = 'UNKNOWN', message = 'unknown error', retryAfterSeconds }: Fault, status: number): Answer => ({
  status,
  headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  body: { errors: [{ code, message, detail: null }] },
});

const answerFile = ({ pathname }: URL, outgoing: ServerResponse): void => {
  const content = control.files.get(decodeURIComponent(pathname.slice(1)));
  outgoing.statusCode = content ? 200 : 404;
  outgoing.end(content ?? 'There is no such file.\n');
};

/** GET with basic authentication, or the form of OAuth 2. */
const readTokenRequest = async (incoming: IncomingMessage, url: URL): Promise<TokenRequest> => {
  const form = new URLSearchParams(incoming.method === 'POST' ? await text(incoming) : '');
  const scopes = [...url.searchParams.getAll('scope'), ...form.getAll('scope')].flatMap((scope) => scope.split(' '));
  const [, basic] = /^Basic (\S+)$/i.exec(incoming.headers.authorization ?? '') ?? [];
  if (basic !== undefined) {
    const [name = '', ...password] = Buffer.from(basic, 'base64').toString().split(':');
    return { scopes, credentials: { name, password: password.join(':') } };
  }
  const [name, password] = [form.get('username'), form.get('password')];
  return { scopes, credentials: name !== null && password !== null ? { name, password } : undefined };
};

const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  answer(incoming, outgoing).catch((error: unknown) => {
    process.stderr.write(`${incoming.method} ${incoming.url}: ${String(error)}\n`);
    outgoing.destroy();
  });
};

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

const secure = createTlsServer({ key: readFileSync(settings.keyFile), cert: readFileSync(settings.certificateFile) }, handle);
const plain = createServer(handle);
let isListening = true;

/** Off: connections end, and new ones are refused. */
const setListening = async (on: boolean): Promise<void> => {
  if (on === isListening) return;
  isListening = on;
  if (on) {
    await listen(secure, 443, settings.gateway);
    await listen(plain, 80, settings.gateway);
    return;
  }
  for (const server of [secure, plain]) {
    server.close();
    server.closeAllConnections();
  }
};

const end = async (): Promise<void> => {
  await removeHostNames(settings.cluster);
  process.exit(0);
};
process.on('SIGTERM', () => void end());
// A cluster that is taken down by its folder takes this with it.
setInterval(() => {
  if (!existsSync(settings.folder)) void end();
}, 1000);

await startStores(settings);
await listen(secure, 443, settings.gateway);
await listen(plain, 80, settings.gateway);
const controlServer = createServer((incoming, outgoing) => {
  answerControl(control, { faults, setListening }, incoming, outgoing).catch((error: unknown) => {
    outgoing.statusCode = 400;
    outgoing.end(`${String(error)}\n`);
  });
});
const state: FrontState = { controlUrl: `http://127.0.0.1:${await listen(controlServer, 0, '127.0.0.1')}` };
// All at once, for whoever waits for it.
writeFileSync(`${settings.stateFile}.unfinished`, JSON.stringify(state));
renameSync(`${settings.stateFile}.unfinished`, settings.stateFile);
