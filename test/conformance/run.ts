import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Api, type Credentials, openApi } from './api.ts';
import { normalise } from './normalise.ts';
import type { ConformanceCase } from './server.ts';

/** A server that cases can be run against. */
export interface Subject {
  credentials: Credentials;
  image: string;
}

/** Runs a case in a namespace made for it alone, which goes afterwards whatever came of it, and returns what was observed. */
export const observe = async ({ observe: run }: ConformanceCase, { credentials, image }: Subject): Promise<unknown> => {
  const api = openApi(credentials);
  const namespace = `conformance-${randomBytes(5).toString('hex')}`;
  try {
    const made = await api.send('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } });
    if (made.code !== 201) throw new Error(`No namespace could be made: ${made.code} ${made.text}`);
    try {
      await untilPodsAreTaken(api, namespace);
      return normalise(await run({ api, namespace, image }), { namespace, image });
    } finally {
      await api.send('DELETE', `/api/v1/namespaces/${namespace}`);
    }
  } finally {
    api.close();
  }
};

/** Pods are refused until their namespace has its ServiceAccount, which a controller makes. */
const untilPodsAreTaken = async (api: Api, namespace: string): Promise<void> => {
  const endsAt = Date.now() + 150_000;
  while ((await api.send('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`)).code !== 200) {
    if (Date.now() > endsAt) throw new Error(`${namespace} has got no ServiceAccount.`);
    await delay(50);
  }
};
