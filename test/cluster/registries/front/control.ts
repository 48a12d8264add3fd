import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Fault, Faults } from './faults.ts';

/** How a stand-in in a pod shall behave. What is not said is as usual: quick, and without mishap. */
export interface Behaviour {
  /** Python's imports. */
  startMs?: number;
  /** Downloading and loading the weights. */
  loadMs?: number;
  /** A training step. */
  stepMs?: number;
  /** A server's token. */
  tokenMs?: number;
  /** A point: `start`, `loading`, `loaded`, `step:3`, `saving`, `ready`, `token:5`. */
  at?: string;
  /** What happens there. `oom` really takes memory; `hang` lasts until the behaviour changes; `fail` is of a token, in the middle of an answer. */
  do?: 'exit' | 'oom' | 'cuda-oom' | 'kv-cache' | 'hang' | 'fail';
  /** vLLM answers 429. */
  overloaded?: boolean;
  exitCode?: number;
  /** On stderr before an exit. */
  text?: string;
}

/** For the pods whose name begins like this; the last that was added and fits counts. */
export interface PodBehaviour {
  podPrefix?: string;
  role?: 'trainer' | 'vllm' | 'transformers';
  behaviour: Behaviour;
}

export interface LoggedRequest {
  host: string;
  method: string;
  path: string;
  status: number;
}

export interface Control {
  behaviours: Map<string, PodBehaviour>;
  files: Map<string, Buffer>;
  requests: LoggedRequest[];
}

export const behaviourOf = ({ behaviours }: Control, query: URLSearchParams): Behaviour => {
  const [pod, role] = [query.get('pod') ?? '', query.get('role') ?? ''];
  return [...behaviours.values()].findLast((each) => pod.startsWith(each.podPrefix ?? '') && (each.role ?? role) === role)?.behaviour ?? {};
};

/** What tests say and ask, on this machine only. */
export const answerControl = async (control: Control, { faults, setListening }: { faults: Faults; setListening: (on: boolean) => Promise<void> }, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const body = await buffer(incoming);
  const [, topic = '', name = ''] = /^\/([a-z]+)(?:\/(.*))?$/.exec(incoming.url ?? '') ?? [];
  const asked = `${incoming.method} ${topic}`;
  const json = (): unknown => JSON.parse(body.toString());
  switch (asked) {
    case 'POST faults':
      outgoing.end(faults.add(json() as Fault));
      return;
    case 'DELETE faults':
      faults.remove(name);
      break;
    case 'POST behaviours': {
      const id = randomUUID();
      control.behaviours.set(id, json() as PodBehaviour);
      outgoing.end(id);
      return;
    }
    case 'DELETE behaviours':
      control.behaviours.delete(name);
      break;
    case 'PUT listening':
      await setListening(json() === true);
      break;
    case 'PUT files':
      control.files.set(decodeURIComponent(name), body);
      break;
    case 'GET requests':
      outgoing.setHeader('content-type', 'application/json');
      outgoing.end(JSON.stringify(control.requests));
      return;
    default:
      outgoing.statusCode = 404;
      outgoing.end(`${asked} is nothing that can be controlled.\n`);
      return;
  }
  outgoing.statusCode = 204;
  outgoing.end();
};
