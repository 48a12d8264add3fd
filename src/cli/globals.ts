import { outputFormats } from '../domain/output-format.ts';
import { choice, duration, text, toggle, type Origins, type Values } from './options.ts';

/** Options of every command. */
export const outputOptions = {
  output: choice('-o, --output <format>', 'how results are written', outputFormats, 'text'),
  quiet: toggle('-q, --quiet', 'no narration on stderr, only results and errors'),
};

/** Options of every command that talks to a cluster: kubectl's words where kubectl has one. */
export const clusterOptions = {
  namespace: text('-n, --namespace <name>', 'namespace of the workspace', { defaultText: 'that of the kubeconfig context' }),
  context: text('--context <name>', 'kubeconfig context', { defaultText: 'the current one' }),
  kubeconfig: text('--kubeconfig <file>', 'kubeconfig file', { defaultText: 'KUBECONFIG, else ~/.kube/config' }),
  subscription: text('--subscription <id>', 'Azure subscription of the AKS cluster', { defaultText: 'AZURE_SUBSCRIPTION_ID, else found from the nodes' }),
  resourceGroup: text('--resource-group <name>', 'resource group of the AKS cluster', { defaultText: 'found from the kubeconfig and the nodes' }),
  cluster: text('--cluster <name>', 'name of the AKS cluster', { defaultText: 'found from the kubeconfig and the nodes' }),
  requestTimeout: duration('--request-timeout <duration>', 'how long one request to the Kubernetes API may take', 30_000),
};

export const globalOptions = { ...outputOptions, ...clusterOptions };

export type GlobalOptions = typeof globalOptions;
export type GlobalValues = Values<GlobalOptions> & { origins: Origins<GlobalOptions> };

/** Undefined when it is only usual, so that what a file says goes before it. */
export const namespaceFlag = ({ namespace, origins }: GlobalValues): string | undefined => (origins.namespace.from === 'flag' ? namespace : undefined);
