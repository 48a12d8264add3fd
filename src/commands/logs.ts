import { defineCommand } from '../cli/command.ts';
import { count, text, toggle } from '../cli/options.ts';
import { NotFoundError, UsageError } from '../domain/errors.ts';

export default defineCommand({
  summary: 'Print the log of a workspace, as its container wrote it',
  usesCluster: true,
  arguments: [{ usage: '<name>', description: 'the workspace' }],
  options: {
    follow: toggle('-f, --follow', 'go on until the container ends'),
    container: text('-c, --container <name>', 'container or init container', { defaultText: 'the one that runs, else the one that failed, else the last' }),
    tail: count('--tail <lines>', 'only the last lines', { minimum: 0 }),
    previous: toggle('-p, --previous', 'of the incarnation before the last restart'),
  },
  examples: ['logs my-tuning', 'logs my-tuning -f -c tuner'],
  async *run({ arguments: [name = ''], options }, context) {
    const [{ containerStatuses, diagnosePods }, { newestPod }, { createSanitiser }, { readRecord }, { followLog }] = await Promise.all([
      import('../flow/diagnose.ts'),
      import('../flow/newest-pod.ts'),
      import('../terminal/sanitise.ts'),
      import('../flow/read-record.ts'),
      import('../flow/follow-log.ts'),
    ]);
    if (name === '') throw new UsageError('Name the workspace whose log to print.');
    const { signal, clock } = context;
    const cluster = await context.cluster();
    const pods = await cluster.list('Pod', { labelSelector: `kaito.sh/workspace=${name}`, signal });
    const pod = newestPod(pods);
    if (!pod) {
      const tail = (await readRecord(cluster, name, signal))?.result?.logTail;
      if (tail !== undefined) {
        yield { type: 'note', message: 'The pod is gone; this is the end of its log, as it was recorded when it failed:' };
        yield { type: 'log', container: 'recorded', text: createSanitiser().push(tail.replaceAll(/\r\n?/g, '\n')) };
        return;
      }
      throw new NotFoundError(`Workspace ${name} has no pod in namespace ${cluster.target.namespace}.`, {
        reason: 'PodNotFound',
        hints: [`kaito-ts status ${name}`, 'A finished tuning Job and its pod are removed some time after the end.'],
      });
    }
    const statuses = containerStatuses(pod);
    if (statuses.length === 0) {
      const waiting = diagnosePods([pod])?.message;
      throw new NotFoundError(`Pod ${pod.metadata.name} has no log yet: none of its containers has started.`, {
        reason: 'NotStarted',
        ...(waiting === undefined ? {} : { fact: waiting }),
        hints: [`kaito-ts status ${name}`],
      });
    }
    const container =
      options.container ??
      (statuses.find(({ state }) => state?.running) ?? statuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0) ?? statuses.findLast(({ state }) => state?.terminated))?.name ??
      statuses[0]?.name;
    const known = statuses.map((status) => status.name);
    if (container === undefined || !known.includes(container)) {
      throw new UsageError(`Pod ${pod.metadata.name} has no container ${container ?? ''}.`, { hints: [`Choose one of: ${known.join(', ')}.`] });
    }
    yield { type: 'note', message: `Log of container ${container} in pod ${pod.metadata.name}:` };
    const log =
      options.follow && !options.previous
        ? followLog({ cluster, clock, signal }, { pod, name: container }, options.tail)
        : cluster.logs(pod.metadata.name, { container, previous: options.previous, ...(options.tail === undefined ? {} : { tailLines: options.tail }), signal });
    const sanitiser = createSanitiser();
    for await (const piece of log) {
      // A progress bar redraws itself with carriage returns: as lines it can be read in a file too.
      yield typeof piece === 'string' ? { type: 'log', container, text: sanitiser.push(piece.replaceAll(/\r\n?/g, '\n')) } : piece;
    }
  },
});
