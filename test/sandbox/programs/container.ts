import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import type { Fault } from '../../../src/sandbox/faults.ts';
import type { Program, ProgramContext } from '../../../src/sandbox/programs/program.ts';

export interface ContainerOptions {
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  files?: Readonly<Record<string, string | Buffer>>;
  faults?: readonly Fault[];
}

export interface TestContainer {
  /** Resolves to the exit code. */
  exit: Promise<number>;
  stdout(): string;
  stderr(): string;
  /** Every write, in order, with its stream. */
  writes(): readonly { stream: 'stdout' | 'stderr'; text: string }[];
  file(path: string): Buffer | undefined;
  files(): string[];
  isListening(): boolean;
  /** Resolves when the program listens; rejects when it ends first. */
  listening(): Promise<void>;
  /** One connection into the container, without any socket. */
  connect(): Duplex;
  /** A loopback address that leads into the container. */
  open(): Promise<string>;
  terminate(): void;
  kill(): void;
  close(): Promise<void>;
}

/** Runs a program the way a kubelet would, with files in memory and time that flies. */
export const runContainer = (program: Program, { command, env = {}, files = {}, faults = [] }: ContainerOptions): TestContainer => {
  const content = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
  const writes: { stream: 'stdout' | 'stderr'; text: string }[] = [];
  const [terminated, killed] = [new AbortController(), new AbortController()];
  let accept: ((connection: Duplex) => void) | undefined;
  const waiting: (() => void)[] = [];
  const bridges: Server[] = [];

  const context: ProgramContext = {
    image: 'mcr.microsoft.com/aks/kaito/kaito-base:0.5.0',
    name: 'main',
    command,
    args: [],
    pod: { namespace: 'default', name: 'pod', labels: {} },
    env,
    files: {
      read: (path) => content.get(path),
      write: (path, text) => void content.set(path, Buffer.from(text)),
      list: (folder) => [...content.keys()].filter((path) => path.startsWith(`${folder}/`)).sort(),
    },
    stdout: (text) => void writes.push({ stream: 'stdout', text }),
    stderr: (text) => void writes.push({ stream: 'stderr', text }),
    listen: (_, onConnection) => {
      accept = onConnection;
      for (const resolve of waiting.splice(0)) resolve();
    },
    signal: terminated.signal,
    killed: killed.signal,
    clock: createSandboxClock(5000),
    hasFault: (name) => faults.includes(name),
    fetch,
  };
  const textOf = (stream: string) => writes.flatMap((write) => (write.stream === stream ? write.text : [])).join('');
  const exit = program.run(context);
  const kill = () => {
    killed.abort();
  };
  return {
    exit,
    stdout: () => textOf('stdout'),
    stderr: () => textOf('stderr'),
    writes: () => writes,
    file: (path) => content.get(path),
    files: () => [...content.keys()],
    isListening: () => accept !== undefined,
    listening: () =>
      Promise.race([
        accept ? Promise.resolve() : new Promise<void>((resolve) => void waiting.push(resolve)),
        exit.then((code) => Promise.reject(new Error(`The container ended with ${code}:\n${textOf('stderr').slice(-800)}`))),
      ]),
    connect: () => {
      const [ours, theirs] = duplexPair();
      accept?.(theirs);
      return ours;
    },
    open: async () => {
      const bridge = createServer((socket) => accept?.(socket));
      bridges.push(bridge);
      bridge.listen(0, '127.0.0.1');
      await once(bridge, 'listening');
      const address = bridge.address();
      if (address === null || typeof address === 'string') throw new TypeError('The bridge has no port.');
      return `http://127.0.0.1:${address.port}`;
    },
    terminate: () => {
      terminated.abort();
    },
    kill,
    close: async () => {
      kill();
      await exit;
      for (const bridge of bridges) bridge.close();
    },
  };
};
