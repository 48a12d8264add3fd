import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestApi } from '../sandbox/kube/support.ts';
import { pod } from '../sandbox/kube/support.ts';
import { median } from './measure.ts';
import type { Row } from './table.ts';

export interface ForwardSettings {
  api: TestApi;
  environment: Readonly<Record<string, string>>;
}

const bulkMiB = 64;
const bulkPort = 7000;
const echoPort = 7001;
/** Two programs that are alike differ by this much from run to run. */
const noise = 1.1;

/** Our port-forward and kubectl's, in turn, to the same pod: how long a bulk takes, and a round trip. */
export const forwardRows = async ({ api, environment }: ForwardSettings): Promise<Row[]> => {
  if (spawnSync('kubectl', ['version', '--client']).status !== 0) return [{ what: 'port-forward', median: 'skipped', ratio: 'needs kubectl' }];
  const bulk = Buffer.alloc(1024 * 1024, 'kaito');
  const servers = await Promise.all([
    listen((socket) => {
      let left = bulkMiB;
      const writeOn = (): void => {
        while (left > 0) {
          left -= 1;
          if (!socket.write(bulk)) return;
        }
        socket.end();
      };
      socket.on('drain', writeOn);
      writeOn();
    }),
    listen((socket) => void socket.pipe(socket)),
  ]);
  const [bulkServer, echoServer] = servers;
  api.runtime.ports.set(bulkPort, portOf(bulkServer)).set(echoPort, portOf(echoServer));
  const forwarded = pod('forwarded');
  api.store.create('pods', { ...forwarded, spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], nodeName: 'one-0' }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const forwards: Forward[] = [];
  try {
    for (const port of [bulkPort, echoPort]) {
      forwards.push(await openForward(spawn(process.execPath, [fileURLToPath(new URL('forward.ts', import.meta.url)), 'forwarded', String(port)], { env, stdio: ['pipe', 'pipe', 'inherit'] })));
      forwards.push(await openForward(spawn('kubectl', ['port-forward', 'pod/forwarded', `:${port}`], { env, stdio: ['pipe', 'pipe', 'inherit'] })));
    }
    const [ourBulk, theirBulk, ourEcho, theirEcho] = forwards;
    if (!ourBulk || !theirBulk || !ourEcho || !theirEcho) throw new Error('Not every port is forwarded.');
    const bulkMs = await inTurn([ourBulk.port, theirBulk.port], 15, readAll);
    const tripMs = await inTurn([ourEcho.port, theirEcho.port, portOf(echoServer)], 5, roundTrip);
    const [ours = 0, theirs = 0] = bulkMs.map(median);
    const [ourTrip = 0, theirTrip = 0, direct = 0] = tripMs.map(median);
    return [
      { what: `port-forward of ${bulkMiB} MiB`, median: `${((bulkMiB * 1000) / ours).toFixed(0)} MiB/s`, ratio: `${(ours / theirs).toFixed(2)}x the time of kubectl`, budget: `<= ${noise}x`, isMissed: ours > theirs * noise },
      { what: 'port-forward, added to a round trip', median: `${(ourTrip - direct).toFixed(2)} ms`, ratio: `${((ourTrip - direct) / (theirTrip - direct)).toFixed(2)}x what kubectl adds`, budget: `<= ${noise}x`, isMissed: ourTrip - direct > (theirTrip - direct) * noise },
    ];
  } finally {
    for (const { child } of forwards) child.kill();
    for (const server of servers) server.close();
  }
};

interface Forward {
  child: ChildProcess;
  port: number;
}

/** Both programs say where they listen in the same words. */
const openForward = async (child: ChildProcess): Promise<Forward> => {
  if (!child.stdout) throw new Error('The program has no output.');
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line)?.[1];
    if (port !== undefined) {
      child.stdout.resume();
      return { child, port: Number(port) };
    }
  }
  throw new Error('The port was not forwarded.');
};

const inTurn = async (ports: readonly number[], rounds: number, run: (port: number) => Promise<number>): Promise<number[][]> => {
  const times = ports.map((): number[] => []);
  // The first of each is not counted.
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, port] of ports.entries()) {
      const time = await run(port);
      if (round >= 0) times[index]?.push(time);
    }
  }
  return times;
};

/** How long it takes until the last byte has come, in milliseconds: that nothing follows is not always told at once. */
const readAll = async (port: number): Promise<number> => {
  const startedAt = performance.now();
  const socket = connect(port, '127.0.0.1');
  let bytes = 0;
  for await (const chunk of socket) {
    if (Buffer.isBuffer(chunk)) bytes += chunk.length;
    if (bytes === bulkMiB * 1024 * 1024) return performance.now() - startedAt;
  }
  throw new Error(`Only ${bytes} bytes came.`);
};

/** The median of many round trips on one connection, in milliseconds. */
const roundTrip = async (port: number): Promise<number> => {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  const times: number[] = [];
  for (let count = 0; count < 200; count += 1) {
    const startedAt = performance.now();
    socket.write('a question of some length, and its answer');
    await once(socket, 'data');
    times.push(performance.now() - startedAt);
  }
  socket.destroy();
  return median(times.slice(20));
};

const listen = async (onSocket: (socket: Socket) => void): Promise<Server> => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
};
