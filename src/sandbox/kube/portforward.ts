import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { PodKey, PodRuntime } from '../kubelet/pod-runtime.ts';
import { badRequest, PlainRefusal, StatusError } from './errors.ts';
import { notImplemented } from './limits.ts';
import { serveSpdy, type SpdyStream } from './spdy-session.ts';
import { serveChannels } from './websocket-channels.ts';

/** Bytes in both directions between a client and one port, until both sides have ended or either fails. */
export type Forward = (port: number, client: Duplex) => Promise<void>;

/** The server's choice among what a client offers, the best first. */
const channelProtocols = ['v4.channel.k8s.io', 'portforward.k8s.io'];
const base64Protocols = ['v4.base64.channel.k8s.io'];
const tunnelPrefix = 'SPDY/3.1+';
const streamProtocol = 'portforward.k8s.io';

/**
 * Takes over an upgraded connection, in whichever of three ways the client speaks: SPDY; SPDY inside of a WebSocket, as
 * kubectl does since 1.31; or plain WebSocket channels, as client libraries do.
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
 */
export const acceptPortForward = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  ports: readonly number[],
  forward: Forward,
): Promise<void> => {
  if (request.headers.upgrade?.toUpperCase() === 'SPDY/3.1') return acceptSpdy(request, socket, head, forward);
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw badRequest('Upgrade request required');
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const isTunnel = offered.includes(tunnelPrefix + streamProtocol);
  const protocol = isTunnel ? tunnelPrefix + streamProtocol : channelProtocols.find((candidate) => offered.includes(candidate));
  if (offered.some((candidate) => base64Protocols.includes(candidate))) throw notImplemented('port-forwarding in base64');
  if (protocol === undefined && offered.some(Boolean)) throw new PlainRefusal(403, '');

  // The slash in the tunnel's name is no token by the letter of RFC 6455, and the library would refuse it.
  if (isTunnel) request.headers['sec-websocket-protocol'] = streamProtocol;
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => protocol ?? false, maxPayload: 32 * 1024 * 1024 });
  return new Promise((resolve) => {
    // The handshake itself may be refused, and then the socket closes.
    socket.once('close', () => resolve());
    server.handleUpgrade(request, socket, head, (client: WebSocket) => {
      const served = isTunnel ? serveTunnel(client, forward) : serveChannels(client, ports, forward);
      served.finally(() => client.terminate()).then(resolve, () => resolve());
    });
  });
};

/** The connection to a pod's port for `forward`; when there is none the container runtime says why. */
export const createForward =
  (runtime: PodRuntime, pod: PodKey): Forward =>
  async (port, client) => {
    await join(client, await runtime.connect(pod, port));
  };

/** `ports=80,443&ports=8080`. The API server reads them, and it is the kubelet that refuses them, in plain text. */
export const parsePorts = (query: URLSearchParams): number[] =>
  query.getAll('ports').flatMap((list) =>
    list.split(',').map((text) => {
      if (!/^\d+$/.test(text)) throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
      const port = Number(text);
      if (port < 1) throw new PlainRefusal(400, `port "${text}" must be > 0`);
      if (port > 65_535) throw new PlainRefusal(400, `unable to parse "${text}" as a port`);
      return port;
    }),
  );

/** SPDY names the port of each stream; channels have to be told before. */
export const requirePorts = (request: IncomingMessage, ports: readonly number[]): void => {
  const isTunnel = (request.headers['sec-websocket-protocol'] ?? '').includes(tunnelPrefix + streamProtocol);
  if (request.headers.upgrade?.toLowerCase() === 'websocket' && !isTunnel && ports.length === 0) throw new PlainRefusal(400, 'query parameter "port" is required');
};

const acceptSpdy = async (request: IncomingMessage, socket: Duplex, head: Buffer, forward: Forward): Promise<void> => {
  const offered = String(request.headers['x-stream-protocol-version'] ?? '').split(',').map((protocol) => protocol.trim());
  if (!offered.includes(streamProtocol)) {
    throw new StatusError(403, 'Forbidden', `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${streamProtocol}]`);
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${streamProtocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  await servePairs(socket, forward);
};

const serveTunnel = async (client: WebSocket, forward: Forward): Promise<void> => {
  const tunnel = createWebSocketStream(client);
  tunnel.on('error', () => {});
  await servePairs(tunnel, forward);
};

/** For each of its own connections the client opens two streams with one request id: one for data, one to hear of errors. */
const servePairs = async (transport: Duplex, forward: Forward): Promise<void> => {
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  await serveSpdy(transport, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = Number(stream.headers.get('port'));
    const id = stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(port) || port < 1) {
      stream.reset();
      return;
    }
    const pair = pairs.get(id) ?? {};
    pairs.set(id, pair);
    pair[type] = stream;
    if (!pair.data || !pair.error) return;
    pairs.delete(id);
    void forwardPair(pair.data, pair.error, port, forward);
  });
};

const forwardPair = async (data: SpdyStream, error: SpdyStream, port: number, forward: Forward): Promise<void> => {
  error.resume();
  try {
    await forward(port, data);
    error.end();
  } catch (failure) {
    // The sentence goes first: a client that sees its data end asks the error stream why.
    error.end(failure instanceof Error ? failure.message : String(failure));
    data.reset();
  }
};

/** How long a client may go on after the pod has ended its side and all of it was delivered; container runtimes wait as long. */
const graceMs = 500;

/** Copies both ways, each end by itself, and resolves when both directions are through. */
const join = (client: Duplex, target: Duplex): Promise<void> =>
  new Promise((resolve) => {
    // The client may have gone while the connection was made.
    if (client.destroyed) {
      target.destroy();
      return resolve();
    }
    let timeout: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timeout);
      client.end();
      target.destroy();
      resolve();
    };
    // The pod may take its time to answer a client that has said all it has to say, so that this direction has no bound.
    client.once('end', () => client.writableFinished && finish());
    client.once('finish', () => {
      if (client.readableEnded) finish();
      else timeout = setTimeout(finish, graceMs);
    });
    for (const side of [client, target]) {
      side.once('error', finish);
      side.once('close', finish);
    }
    client.pipe(target);
    target.pipe(client);
  });
