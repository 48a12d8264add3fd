import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Forward } from './portforward.ts';

/**
 * Port-forwarding over plain WebSocket messages: the first byte of each is its channel, two for each port, one for data
 * and one to hear of errors. The first message of a channel is its port, in two bytes, the low one first. There is no way
 * to end one direction alone. https://github.com/kubernetes/cri-streaming/blob/v0.36.3/pkg/streaming/portforward/websocket.go
 */
export const serveChannels = async (client: WebSocket, ports: readonly number[], forward: Forward): Promise<void> => {
  const channels = ports.map((_port, index) => createChannel(client, index * 2));
  client.on('message', (message: Buffer) => {
    const channel = channels[message[0] === undefined ? -1 : message[0] / 2];
    // A channel that is full holds back the whole connection, as there is nothing else to hold back.
    if (channel && !channel.push(message.subarray(1))) client.pause();
  });
  client.on('close', () => {
    for (const channel of channels) channel.destroy();
  });
  client.on('error', () => {});

  await Promise.all(
    channels.map(async (channel, index) => {
      const port = ports[index] ?? 0;
      const portBytes = [port & 255, port >> 8];
      client.send(Buffer.from([index * 2, ...portBytes]));
      client.send(Buffer.from([index * 2 + 1, ...portBytes]));
      try {
        await forward(port, channel);
      } catch (error) {
        client.send(Buffer.concat([Buffer.from([index * 2 + 1]), Buffer.from(error instanceof Error ? error.message : String(error))]));
      }
    }),
  );
  await close(client);
};

const createChannel = (client: WebSocket, number: number): Duplex => {
  const channel = new Duplex({
    allowHalfOpen: true,
    read: () => client.resume(),
    write(chunk: Buffer, _encoding, callback) {
      if (client.readyState !== client.OPEN) callback(new Error('The connection has gone.'));
      else client.send(Buffer.concat([Buffer.from([number]), chunk]), callback);
    },
    final(callback) {
      // The last bytes are on their way, and nothing says that there will be no more but the end of it all.
      callback();
    },
  });
  channel.on('error', () => {});
  return channel;
};

/** Says goodbye after all that was sent, and waits for the answer; without one the library gives up after 30 seconds. */
const close = (client: WebSocket): Promise<void> =>
  new Promise((resolve) => {
    if (client.readyState === client.CLOSED) return resolve();
    client.once('close', () => resolve());
    client.close(1000);
  });
