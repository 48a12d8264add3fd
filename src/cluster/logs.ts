import { KaitoError } from '../domain/errors.ts';
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
  const { container, follow, previous, tailLines, sinceSeconds, timestamps, signal } = options;
  try {
    const response = await transport.stream({
      question,
      method: 'GET',
      query: { container, follow, previous, tailLines, sinceSeconds, timestamps },
      ...(signal === undefined ? {} : { signal }),
    });
    response.setEncoding('utf8');
    // Leaving the loop early destroys the stream, and the socket with it.
    for await (const chunk of response) yield String(chunk);
  } catch (error) {
    if (signal?.aborted) return;
    throw error instanceof KaitoError ? error : toConnectionError(error, endpoint.server);
  }
}
