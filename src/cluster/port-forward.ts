import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FailedError, KaitoError, NotFoundError, UsageError } from '../domain/errors.ts';
import { onAbort, reasonOf, sleep } from './abort.ts';
import type { Cluster } from './cluster.ts';

export interface PortForwardOptions {
  cluster: Pick<Cluster, 'connect'>;
  /** The pod that is to be reached now. Asked at the start, and again whenever the one known cannot be reached. */
  findPod: (signal: AbortSignal) => Promise<PodName>;
  port: number;
  /** Any free one when absent. */
  localPort?: number;
  signal: AbortSignal;
  /** Another pod has taken the place of the one before. */
  onReconnect?: (pod: PodName) => void;
  /** A connection that could not be made or broke off; the program that made it sees only that. */
  onError?: (error: unknown) => void;
}

export interface PodName {
  name: string;
  namespace: string;
}

export interface PortForward {
  /** On 127.0.0.1. */
  localPort: number;
  /** Ends the connections as well. Ended by the signal all the same. */
  close: () => Promise<void>;
}

/** The pod that was known, then the one that is found, which while it is being replaced takes a moment. */
const retryDelaysMs = [0, 0, 250, 1000];

/** A TCP port of this machine that leads to a port of a pod, one stream for each connection, across replacements of the pod. */
export const openPortForward = async (options: PortForwardOptions): Promise<PortForward> => {
  const { cluster, findPod, port, localPort = 0, signal, onReconnect, onError } = options;
  const over = new AbortController();
  const stopListening = onAbort(signal, (reason) => over.abort(reason));
  const sockets = new Set<Socket>();
  let pod: PodName | undefined;

  const locate = async (): Promise<PodName> => {
    const found = await findPod(over.signal);
    if (pod !== undefined && found.name !== pod.name) onReconnect?.(found);
    pod = found;
    return found;
  };

  const reach = async (): Promise<Duplex> => {
    let failure: unknown;
    for (const [tries, delayMs] of retryDelaysMs.entries()) {
      await sleep(delayMs, over.signal);
      try {
        const { name, namespace } = tries === 0 && pod !== undefined ? pod : await locate();
        return await cluster.connect(name, port, { namespace, signal: over.signal });
      } catch (error) {
        if (over.signal.aborted) throw reasonOf(over.signal);
        failure = error;
      }
    }
    throw failure;
  };

  const serve = async (local: Socket): Promise<void> => {
    sockets.add(local);
    local.once('close', () => sockets.delete(local));
    // Heard before there is anything to be told to: a program may hang up while the pod is looked for.
    local.on('error', () => undefined);
    try {
      const remote = await reach();
      if (local.destroyed) remote.destroy();
      else await joinStreams(local, remote);
    } catch (error) {
      local.resetAndDestroy();
      if (!over.signal.aborted) onError?.(error);
    }
  };

  try {
    // One that does not run yet may come: whoever connects sees that it has not.
    await locate().catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
    });
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (local) => void serve(local));
    over.signal.throwIfAborted();
    const opened = await listen(server, localPort);
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= new Promise<void>((resolve) => {
        stopListening();
        over.abort();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
      return closing;
    };
    onAbort(over.signal, () => void close());
    return { localPort: opened, close };
  } catch (error) {
    stopListening();
    throw error;
  }
};

/** A program that does not hang up when the pod has done is not waited for longer. */
const lingerMs = 30_000;

/** Each direction ends by itself, so that an answer still arrives after the question's end; a failure ends both. */
const joinStreams = async (local: Socket, remote: Duplex): Promise<void> => {
  // Before `pipeline` ends it cleanly, which could be taken for the end of an answer.
  remote.once('error', () => local.resetAndDestroy());
  local.once('close', () => remote.destroy());
  sendOn(local, remote);
  try {
    await pipeline(remote, local);
  } catch (error) {
    remote.destroy();
    // Anything else is the program that hung up.
    if (error instanceof KaitoError) throw error;
    return;
  }
  local.setTimeout(lingerMs, () => local.destroy());
};

/**
 * What the program says, to the pod. Not by `pipeline`: when the pod has done first that would destroy the program's
 * connection, and with it what is still on its way to a slow reader. What is said then is dropped.
 */
const sendOn = (local: Socket, remote: Duplex): void => {
  const resume = (): void => void local.resume();
  local.on('data', (chunk: Buffer) => {
    if (remote.writable && !remote.write(chunk)) local.pause();
  });
  local.once('end', () => {
    if (remote.writable) remote.end();
  });
  remote.on('drain', resume);
  remote.once('finish', resume);
  remote.once('close', resume);
};

const listen = (server: Server, localPort: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error);
      return reject(
        new UsageError(`The local port ${localPort} ${error.code === 'EACCES' ? 'is reserved' : 'is in use'}.`, {
          reason: 'LocalPort',
          fact: error.message,
          hints: ['Choose another one, or leave it out for any that is free'],
          cause: error,
        }),
      );
    });
    server.listen(localPort, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new FailedError('The local port has no number.'));
      else resolve(address.port);
    });
  });
