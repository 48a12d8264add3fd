import { request } from 'node:https';
import * as z from 'zod';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** A raw HTTPS client that trusts exactly one certificate and follows nothing by itself. */
export const createClient = (url: string, cert: string) => {
  const ask = (path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, url), { method, headers, ca: cert, agent: false }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  /** A token for a scope, with or without credentials, as an `authorization` header. */
  const authorize = async (scope: string, credentials?: string): Promise<{ authorization: string }> => {
    const headers = credentials === undefined ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
    const answer = await ask(`/token?service=any&scope=${encodeURIComponent(scope)}`, { headers });
    const { token } = z.object({ token: z.string() }).parse(jsonOf(answer));
    return { authorization: `Bearer ${token}` };
  };
  return { ask, authorize };
};

export type Client = ReturnType<typeof createClient>;

export const jsonOf = (answer: Answer): unknown => JSON.parse(answer.body.toString());

export const errorOf = (answer: Answer): string => {
  const { errors } = z.object({ errors: z.array(z.object({ code: z.string() })) }).parse(jsonOf(answer));
  return errors.map(({ code }) => code).join();
};
