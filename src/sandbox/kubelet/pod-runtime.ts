import type { Duplex } from 'node:stream';

/** What the API server asks of the kubelets: the log and the ports of a running pod. */
export interface PodRuntime {
  /** Undefined when that container has never started. */
  log(pod: PodKey, container: string, options: { previous: boolean }): ContainerLog | undefined;
  /** Rejects with an Error in the kubelet's words when nothing listens there. */
  connect(pod: PodKey, port: number): Promise<Duplex>;
}

export interface PodKey {
  namespace: string;
  name: string;
  uid: string;
}

/** A container's output so far, and what is still to come. */
export interface ContainerLog {
  entries(): readonly LogEntry[];
  /** Called for each later entry, and with undefined when the container has ended. Returns how to stop. */
  follow(listener: (entry: LogEntry | undefined) => void): () => void;
  readonly ended: boolean;
}

/** One line as the container runtime cuts it, with its line feed; the last may lack one. */
export interface LogEntry {
  time: Date;
  stream: 'stdout' | 'stderr';
  text: string;
}
