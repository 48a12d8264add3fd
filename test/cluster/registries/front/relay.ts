import { request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { slowed, type Fault } from './faults.ts';

/** Hands a request to a registry behind a socket, and its answer back, through what a fault does to them. */
export const relay = (incoming: IncomingMessage, outgoing: ServerResponse, { socketPath, fault }: { socketPath: string; fault: Fault | undefined }): void => {
  const cut = (): void => {
    incoming.socket.destroy();
  };
  const { authorization: _, ...headers } = incoming.headers;
  const sent = send({ socketPath, method: incoming.method, path: incoming.url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    if (fault) pipeline(answer, slowed(fault, cut), outgoing, () => {});
    else pipeline(answer, outgoing, () => {});
  });
  sent.on('error', cut);
  outgoing.on('close', () => sent.destroy());
  if (fault) pipeline(incoming, slowed(fault, cut), sent, () => {});
  else pipeline(incoming, sent, () => {});
};
