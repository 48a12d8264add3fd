import { duration, text, texts, toggle } from './options.ts';

/** Options of every command that runs pods on GPUs. */
export const runOptions = {
  filename: texts('-f, --filename <file>', 'a file, a directory, or - for stdin, with a KAITO Workspace: flags take the place of single fields of it'),
  instanceType: text('--instance-type <sizes>', 'Azure VM size of the GPU nodes; of several, separated by commas, the first that Azure has is taken', { defaultText: 'the cheapest that fits and has quota' }),
  provisioner: text('--provisioner <aks|byo>', 'where GPU nodes come from: a new AKS agent pool, or existing nodes', { defaultText: 'byo with --nodes, else aks' }),
  nodes: text('--nodes <selector>', 'use existing nodes with these labels, as key=value,key=value'),
  spot: toggle('--spot', 'Azure Spot machines: cheaper, and may be taken away at any time'),
  nodeTimeout: duration('--node-timeout <duration>', 'how long GPU nodes may take to come', 45 * 60_000),
  templates: text('--templates <directory>', 'templates of your own, in the place of those of the same name'),
  noWait: toggle('--no-wait', 'submit, and leave the cluster to it'),
  dryRun: toggle('--dry-run', 'show the plan and write nothing'),
};
