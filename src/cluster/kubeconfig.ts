import { NotFoundError, UsageError } from '../domain/errors.ts';
import { anonymous, type ClusterEntry, readerOf, toClusterEntry, toUserEntry, type UserEntry } from './kubeconfig-entries.ts';
import { broken, findKubeconfigFiles, type KubeconfigPlace, type MergedKubeconfig, readKubeconfigFiles } from './kubeconfig-files.ts';

/** One context with everything that it refers to: files read, paths absolute, base64 undone. */
export interface ChosenContext {
  files: string[];
  contextName: string;
  clusterName: string;
  userName: string;
  namespace?: string;
  cluster: ClusterEntry;
  user: UserEntry;
}

/** Undefined when there is no kubeconfig, or none with anything in it. */
export const loadKubeconfig = async (options: KubeconfigPlace & { context?: string }): Promise<ChosenContext | undefined> => {
  const merged = await readKubeconfigFiles(options);
  const isEmpty = merged.contexts.size === 0 && merged.clusters.size === 0;
  if (isEmpty && options.kubeconfig === undefined && options.context === undefined) return undefined;

  const contextName = options.context ?? merged.currentContext;
  if (contextName === undefined) {
    throw new UsageError('The kubeconfig has no current context.', {
      reason: 'NoCurrentContext',
      fact: listContexts(merged),
      hints: ['kubectl config use-context <name>', 'Or name one: --context <name>'],
    });
  }
  const context = merged.contexts.get(contextName);
  if (context === undefined && isEmpty && merged.files.length === 0) {
    throw new NotFoundError(`There is no kubeconfig, and so no context ${JSON.stringify(contextName)}.`, {
      reason: 'ContextNotFound',
      fact: `Looked for: ${findKubeconfigFiles(options).join(', ')}`,
      hints: ['az aks get-credentials --resource-group <group> --name <cluster>', 'Or name a file: --kubeconfig, or KUBECONFIG'],
    });
  }
  if (context === undefined) {
    throw new NotFoundError(`The kubeconfig has no context ${JSON.stringify(contextName)}.`, {
      reason: 'ContextNotFound',
      fact: `${listContexts(merged)} (read: ${merged.files.join(', ') || findKubeconfigFiles(options).join(', ')})`,
      hints: [options.context === undefined ? 'kubectl config use-context <name>' : 'Check --context'],
    });
  }
  const read = readerOf(context);
  const [clusterName = '', userName = '', namespace] = [read.text('cluster'), read.text('user'), read.text('namespace')];
  const cluster = merged.clusters.get(clusterName);
  const user = merged.users.get(userName);
  const missing = cluster === undefined ? `the cluster ${JSON.stringify(clusterName)}` : `the user ${JSON.stringify(userName)}`;
  if (cluster === undefined || (user === undefined && userName !== '')) {
    throw broken(context.file, `The context ${JSON.stringify(contextName)} refers to ${missing}, which is not there.`);
  }
  return {
    files: merged.files,
    contextName,
    clusterName,
    userName,
    ...(namespace === undefined ? {} : { namespace }),
    cluster: await toClusterEntry(cluster),
    // A cluster that lets anybody in needs no user, and its certificate is checked all the same.
    user: user === undefined ? anonymous : await toUserEntry(user),
  };
};

const listContexts = ({ contexts }: MergedKubeconfig): string =>
  contexts.size === 0 ? 'It has no contexts.' : `Contexts: ${[...contexts.keys()].join(', ')}`;
