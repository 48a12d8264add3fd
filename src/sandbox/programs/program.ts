import type { Duplex } from 'node:stream';
import type { SandboxClock } from '../clock.ts';
import type { Fault } from '../faults.ts';

/**
 * What a container of the sandbox does: the images' entry points, played from recordings of the real ones. A program is
 * found by the container's command, so a manifest that would run something else in a cluster is refused here too.
 */
export interface Program {
  /** Whether this program is what that container would run. */
  matches(container: ContainerCommand): boolean;
  /** Runs until the container ends; resolves to its exit code. */
  run(container: ProgramContext): Promise<number>;
}

export interface ContainerCommand {
  image: string;
  command: readonly string[];
  args: readonly string[];
}

export interface ProgramContext extends ContainerCommand {
  name: string;
  pod: { namespace: string; name: string; labels: Readonly<Record<string, string>> };
  env: Readonly<Record<string, string>>;
  /** Files by absolute path inside the container; volumes are shared by the pod's containers, the rest is its own. */
  files: ContainerFiles;
  stdout(this: void, text: string): void;
  stderr(this: void, text: string): void;
  /** From now on the container listens on that port; one call per connection. */
  listen(this: void, port: number, onConnection: (connection: Duplex) => void): void;
  /** Aborts on SIGTERM, that is when the pod is deleted. */
  signal: AbortSignal;
  /** Aborts on SIGKILL: the grace period is over, or the memory is. Nobody reads what a program does after it. */
  killed: AbortSignal;
  clock: SandboxClock;
  /** Faults that were scripted for this sandbox, see `faults.ts`. */
  hasFault(this: void, name: Fault): boolean;
  /** Sends a request as the container would, into the sandbox's own network: names of registries resolve to it. */
  fetch: typeof fetch;
}

export interface ContainerFiles {
  read(path: string): Buffer | undefined;
  write(path: string, content: Buffer | string): void;
  /** Paths below a folder. */
  list(folder: string): string[];
}
