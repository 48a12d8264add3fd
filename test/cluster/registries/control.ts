import type { Registries } from './registries.ts';
import type { LoggedRequest, PodBehaviour } from './front/control.ts';
import type { Fault } from './front/faults.ts';

type Controlled = Pick<Registries, 'controlUrl'>;

const call = async ({ controlUrl }: Controlled, method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<string> => {
  const answer = await fetch(`${controlUrl}${path}`, { method, ...(body !== undefined && { body }), signal: AbortSignal.timeout(60_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The registries' control answers ${answer.status} to ${method} ${path}: ${text}`);
  return text;
};

/** Breaks requests until the result is called. Tests run side by side: a fault is for a repository of the test's own. */
export const addFault = async (registries: Controlled, fault: Fault): Promise<() => Promise<void>> => {
  const id = await call(registries, 'POST', '/faults', JSON.stringify(fault));
  return async () => {
    await call(registries, 'DELETE', `/faults/${id}`);
  };
};

/** Tells the stand-ins in pods how to behave, until the result is called. */
export const addBehaviour = async (registries: Controlled, behaviour: PodBehaviour): Promise<() => Promise<void>> => {
  const id = await call(registries, 'POST', '/behaviours', JSON.stringify(behaviour));
  return async () => {
    await call(registries, 'DELETE', `/behaviours/${id}`);
  };
};

/** Whether the registries listen: off, connections are cut and new ones refused, those of other tests too. Stand-ins go on as they were told last. */
export const setListening = async (registries: Controlled, on: boolean): Promise<void> => {
  await call(registries, 'PUT', '/listening', JSON.stringify(on));
};

/** Something to be downloaded; the address is its URL. */
export const putFile = async (registries: Pick<Registries, 'controlUrl' | 'filesHost'>, name: string, content: string | Uint8Array<ArrayBuffer>): Promise<string> => {
  await call(registries, 'PUT', `/files/${encodeURIComponent(name)}`, content);
  return `https://${registries.filesHost}/${encodeURIComponent(name)}`;
};

/** The latest of what was asked of the registries. */
export const readRequests = async (registries: Controlled): Promise<LoggedRequest[]> => JSON.parse(await call(registries, 'GET', '/requests')) as LoggedRequest[];
