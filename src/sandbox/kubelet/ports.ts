import { type Duplex, duplexPair } from 'node:stream';

/** The ports on which one incarnation of a container listens, and who is connected to them. */
export interface Ports {
  listen(port: number, onConnection: (connection: Duplex) => void): void;
  /** Undefined when nothing listens there. */
  connect(port: number): Duplex | undefined;
  /** Cuts every connection, as the end of a process does. */
  close(): void;
}

export const createPorts = (): Ports => {
  const listeners = new Map<number, (connection: Duplex) => void>();
  const connections = new Set<Duplex>();

  const join = (one: Duplex, other: Duplex): void => {
    connections.add(one);
    // Whoever is cut off has an error to tell, which would end this process if nobody listened.
    one.on('error', () => {});
    one.once('close', () => {
      connections.delete(one);
      // After an orderly end the other side may still have something to read.
      if (!one.readableEnded || !one.writableFinished) other.destroy();
    });
  };

  return {
    listen(port, onConnection) {
      listeners.set(port, onConnection);
    },
    connect(port) {
      const onConnection = listeners.get(port);
      if (!onConnection) return undefined;
      const [near, far] = duplexPair();
      join(near, far);
      join(far, near);
      onConnection(far);
      return near;
    },
    close() {
      listeners.clear();
      for (const connection of connections) connection.destroy();
    },
  };
};
