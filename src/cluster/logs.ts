import { KaitoError, NotFoundError } from '../domain/errors.ts';
import type { LogOptions } from './cluster.ts';
import { toConnectionError } from './connection-errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Question } from './question.ts';
import type { Transport } from './transport.ts';

/**
 * The container's output as text, whole characters only. Nothing bounds the silence of a followed log: a model server has
 * nothing to say for hours. Ends with the container, and quietly when the signal aborts.
 */
export async function* readLogs(
  { endpoint, transport }: { endpoint: Endpoint; transport: Transport },
  question: Question,
  options: LogOptions,
): AsyncGenerator<string, void, undefined> {
  const { container, follow, previous, tailLines, sinceSeconds, sinceTime, timestamps, signal } = options;
  try {
    const response = await transport.stream({
      question,
      method: 'GET',
      query: { container, follow, previous, tailLines, sinceSeconds, sinceTime, timestamps },
      ...(signal === undefined ? {} : { signal }),
    });
    response.setEncoding('utf8');
    // Leaving the loop early destroys the stream, and the socket with it.
    let isBeginning = true;
    for await (const chunk of response) {
      const text = String(chunk);
      if (isBeginning && lostLog.test(text)) throw logIsLost(text);
      isBeginning = false;
      yield text;
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw error instanceof KaitoError ? error : toConnectionError(error, endpoint.server);
  }
}

/** The kubelet has agreed to send a log before it finds that the container is gone. https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kuberuntime/kuberuntime_manager.go (GetContainerLogs) */
const lostLog = /^unable to retrieve container logs for \S+$/;

const logIsLost = (words: string): NotFoundError =>
  new NotFoundError('The node has no log of that container any more.', { reason: 'LogGone', fact: words, hints: ['A container that is started again and again leaves only its newest logs'] });
