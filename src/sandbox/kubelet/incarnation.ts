import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Program, ProgramContext } from '../programs/program.ts';
import { createContainerLog, type WritableLog } from './container-log.ts';
import type { ContainerFiles } from '../programs/program.ts';
import { createPorts, type Ports } from './ports.ts';

/** One run of a container's program, from start to end. */
export interface Incarnation {
  log: WritableLog;
  ports: Ports;
  files: ContainerFiles;
  /** Aborts when it has been told to end, and when it has ended. */
  ending: AbortSignal;
  ended: Promise<Ending>;
  /** SIGTERM, and SIGKILL when that has not helped within the grace period. */
  stop(graceSeconds: number): void;
  kill(): void;
}

export interface Ending {
  exitCode: number;
  isOutOfMemory: boolean;
}

export interface IncarnationOptions extends Pick<ProgramContext, 'image' | 'command' | 'args' | 'name' | 'pod' | 'env' | 'files' | 'fetch'> {
  program: Program;
  clock: SandboxClock;
  faults: Faults;
  /** The memory runs out in it after that much sandbox time. */
  outOfMemoryAfterMs?: number;
}

const killedExitCode = 137;

export const startIncarnation = ({ program, clock, faults, outOfMemoryAfterMs, ...container }: IncarnationOptions): Incarnation => {
  const log = createContainerLog(() => clock.now());
  const ports = createPorts();
  const terminated = new AbortController();
  const killed = new AbortController();
  const over = new AbortController();
  let isOutOfMemory = false;

  const kill = (): void => {
    terminated.abort();
    killed.abort();
  };
  const stop = (graceSeconds: number): void => {
    terminated.abort();
    clock.sleep(graceSeconds * 1000, over.signal).then(kill, () => {});
  };
  if (outOfMemoryAfterMs !== undefined) {
    clock.sleep(outOfMemoryAfterMs, over.signal).then(
      () => {
        isOutOfMemory = true;
        kill();
      },
      () => {},
    );
  }

  const run = async (): Promise<number> => {
    try {
      return await program.run({
        ...container,
        stdout: (text) => log.write('stdout', text),
        stderr: (text) => log.write('stderr', text),
        listen: (port, onConnection) => {
          if (!over.signal.aborted) ports.listen(port, onConnection);
        },
        signal: terminated.signal,
        killed: killed.signal,
        clock,
        hasFault: (name) => faults.has(name),
      });
    } catch (error) {
      if (terminated.signal.aborted) return 143;
      // A program that throws is a defect of the sandbox; its log is where somebody will look.
      log.write('stderr', `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      return 1;
    }
  };
  const whenKilled = new Promise<number>((resolve) => {
    killed.signal.addEventListener('abort', () => resolve(killedExitCode), { once: true });
  });
  const ended = Promise.race([run(), whenKilled]).then((exitCode): Ending => {
    over.abort();
    ports.close();
    log.end();
    return { exitCode, isOutOfMemory };
  });
  return { log, ports, files: container.files, ending: AbortSignal.any([terminated.signal, over.signal]), ended, stop, kill };
};
