import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ScriptedServer } from './support.ts';

/** One forwarded connection as the kubelet sees it. */
export interface PodConnection {
  socket: WebSocket;
  podName: string;
  send(text: string | Buffer): void;
  fail(words: string): void;
  received(): string;
}

/** Answers `/portforward` of any pod as a kubelet does, and hands each connection to the script. */
export const forwardPorts = (server: ScriptedServer, script: (connection: PodConnection) => void, refuse?: (request: IncomingMessage, socket: Duplex) => boolean): WebSocketServer => {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false) });
  server.server.on('upgrade', (request, socket, head) => {
    if (refuse?.(request, socket)) return;
    sockets.handleUpgrade(request, socket, head, (opened) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://any');
      const port = Buffer.alloc(2);
      port.writeUInt16LE(Number(searchParams.get('ports')));
      for (const channel of [0, 1]) opened.send(Buffer.concat([Buffer.of(channel), port]));
      let received = '';
      opened.on('message', (data) => {
        if (Buffer.isBuffer(data) && data[0] === 0) received += data.subarray(1).toString('latin1');
      });
      opened.on('error', () => undefined);
      script({
        socket: opened,
        podName: pathname.split('/').at(-2) ?? '',
        send: (text) => opened.send(Buffer.concat([Buffer.of(0), Buffer.from(text)])),
        fail: (words) => opened.send(Buffer.concat([Buffer.of(1), Buffer.from(words)])),
        received: () => received,
      });
    });
  });
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
  });
  return sockets;
};

/** A whole HTTP answer in place of an upgrade. */
export const refuseUpgrade = (socket: Duplex, status: number, body: object): void => {
  const json = JSON.stringify(body);
  socket.end(`HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\nconnection: close\r\n\r\n${json}`);
};
