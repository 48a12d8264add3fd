import { randomUUID } from 'node:crypto';
import { Transform } from 'node:stream';

/** What goes wrong with requests to a registry. */
export interface Fault {
  /** `kaitotest.azurecr.io`; every host when absent. */
  host?: string;
  /** A regular expression on `PUT /v2/adapters/manifests/1`; every request when absent. */
  request?: string;
  /** How often; always when absent. */
  times?: number;
  /** The answer instead of the registry's. */
  status?: number;
  /** Of the answer's first error: `DENIED`, `TOOMANYREQUESTS`, … */
  code?: string;
  message?: string;
  retryAfterSeconds?: number;
  /** The connection is cut when so much of the request's or the answer's body has passed. */
  cutAfterBytes?: number;
  bytesPerSecond?: number;
  /** Before anything else is done. */
  delayMs?: number;
}

export interface Faults {
  add(fault: Fault): string;
  remove(id: string): void;
  /** The first fault for this request, which counts as used by it. */
  take(host: string, request: string): Fault | undefined;
}

export const createFaults = (): Faults => {
  const active = new Map<string, { fault: Fault; left: number }>();
  return {
    add: (fault) => {
      const id = randomUUID();
      active.set(id, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
      return id;
    },
    remove: (id) => {
      active.delete(id);
    },
    take: (host, request) => {
      const found = [...active.values()].find(({ fault, left }) => left > 0 && (fault.host ?? host) === host && new RegExp(fault.request ?? '').test(request));
      if (found) found.left -= 1;
      return found?.fault;
    },
  };
};

/** The bytes of a body as the fault lets them through. */
export const slowed = ({ cutAfterBytes, bytesPerSecond }: Fault, cut: () => void): Transform => {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      passed += chunk.length;
      if (cutAfterBytes !== undefined && passed > cutAfterBytes) {
        cut();
        done();
        return;
      }
      const pauseMs = bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1000;
      setTimeout(() => done(null, chunk), pauseMs);
    },
  });
};
