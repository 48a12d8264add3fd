import type { Cluster } from '../cluster/cluster.ts';

export interface PodAnswer {
  status: number;
  body: string;
}

const bodyLimitBytes = 1024 * 1024;

/** One GET to a port of a pod, through the API server. Rejects when nothing listens there or the answer takes too long. */
export const getFromPod = async (cluster: Cluster, pod: { name: string; namespace: string }, port: number, path: string, signal: AbortSignal, timeoutMs = 10_000): Promise<PodAnswer> => {
  // Loaded here, because it brings Node's bundled fetch along, and most runs never get to ask a pod.
  const { request } = await import('node:http');
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const connection = await cluster.connect(pod.name, port, { namespace: pod.namespace, signal: bounded });
  try {
    return await new Promise<PodAnswer>((resolve, reject) => {
      const outgoing = request(
        { createConnection: () => connection, host: 'localhost', path, headers: { connection: 'close' }, signal: bounded },
        (incoming) => {
          let body = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (text: string) => {
            if (body.length < bodyLimitBytes) body += text;
          });
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      connection.on('error', reject);
      outgoing.end();
    });
  } finally {
    connection.destroy();
  }
};
