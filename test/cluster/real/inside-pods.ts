import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Exec, Log, PortForward } from '@kubernetes/client-node';
import type { RealCluster } from './cluster.ts';
import { configOf } from './pods.ts';

interface PodOf {
  cluster: RealCluster;
  namespace?: string;
  pod: string;
}

/** What the command prints, on both streams. Rejects with it when the command fails. */
export const execInPod = async ({ cluster, namespace = 'default', pod }: PodOf, command: readonly string[]): Promise<string> => {
  const output = new PassThrough();
  const text = buffer(output);
  const succeeded = await new Promise<boolean>((resolve, reject) => {
    new Exec(configOf(cluster)).exec(namespace, pod, 'main', [...command], output, output, null, false, ({ status }) => resolve(status === 'Success')).catch(reject);
  });
  output.end();
  const printed = (await text).toString();
  if (!succeeded) throw new Error(`${command.join(' ')} failed in ${pod}:\n${printed}`);
  return printed;
};

export const logOfPod = async ({ cluster, namespace = 'default', pod }: PodOf): Promise<string> => {
  const output = new PassThrough();
  const text = buffer(output);
  await new Log(configOf(cluster)).log(namespace, pod, 'main', output);
  return (await text).toString();
};

/** The answer to an HTTP request, once it matches, by way of the API server and the node's kubelet. */
export const askByPortForward = async ({ cluster, namespace = 'default', pod }: PodOf, port: number, until: RegExp): Promise<string> => {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  let text = '';
  const answered = new Promise<string>((resolve, reject) => {
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (until.test(text)) resolve(text);
    });
    errors.on('data', (chunk: Buffer) => reject(new Error(chunk.toString())));
    AbortSignal.timeout(60_000).addEventListener('abort', () => reject(new Error(`Port ${port} of ${pod} did not answer within 60 s; so far it said "${text}".`)));
  });
  // Kept open: at its end the client would hang up, answer or not.
  const input = new PassThrough();
  input.write('GET / HTTP/1.0\r\n\r\n');
  const connection = await new PortForward(configOf(cluster)).portForward(namespace, pod, [port], output, errors, input, 0);
  try {
    return await answered;
  } finally {
    if (typeof connection !== 'function') connection.close();
  }
};
