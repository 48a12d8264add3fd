import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

/** As the administrator of the cluster, without a client library: tests hold libraries against this server. */
export const askApi = (folder: string, server: string, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> =>
  new Promise((resolve, reject) => {
    const pki = join(folder, 'pki');
    const call = request(
      {
        host: server,
        port: 6443,
        method,
        path,
        timeout: 30_000,
        agent: false,
        ca: readFileSync(join(pki, 'ca.crt')),
        cert: readFileSync(join(pki, 'admin.crt')),
        key: readFileSync(join(pki, 'admin.key')),
        headers: body === undefined ? {} : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`The API server did not answer ${method} ${path} within 30 s.`)));
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
