/** Troubles that can be scripted with `--fault name`: each happens where the real one would, and is told in its words. */
export const faultMeanings = {
  quota: 'the subscription has no vCPU quota left for any GPU family',
  capacity: 'Azure has no machines of the size asked for',
  'not-logged-in': 'the identity endpoint refuses the client secret',
  'login-expired': 'Azure refuses every login for as long as it makes an agent pool',
  forbidden: 'the login may read the managed cluster but not write agent pools',
  'pool-failed': 'the agent pool ends Failed because its nodes never become Ready',
  'image-pull': 'the base image cannot be pulled',
  oom: 'the model server or the trainer is killed for lack of memory',
  'crash-loop': 'the model server exits while it starts, again and again',
  unschedulable: 'no node has room for the pod',
  'bad-dataset': 'the dataset has a shape that the trainer cannot read',
  'dataset-missing': 'the dataset address answers 404',
  'cuda-oom': 'the GPU runs out of memory in the middle of training',
  'push-refused': 'the registry refuses the push',
  'registry-down': 'the registry answers 503',
  'watch-gone': 'every watch ends with 410 Gone after a few events',
  'log-cut': 'a log that is followed from its beginning loses its connection after some lines',
  'watch-cut': 'every watch loses its connection after a few events',
  'api-down': 'the Kubernetes API answers 503',
  'slow-nodes': 'nodes take hours to come',
} as const;

export type Fault = keyof typeof faultMeanings;

export interface Faults {
  has(name: Fault): boolean;
}

export const createFaults = (names: Iterable<Fault>): Faults => {
  const scripted = new Set<string>(names);
  return { has: (name) => scripted.has(name) };
};

export const isFault = (name: string): name is Fault => Object.hasOwn(faultMeanings, name);
