import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { parseFailure } from './failure.ts';
import type { CloudFailure } from './failure.ts';

/** The SDK has no limit of its own, and a connection that fell silent would be waited for without end. */
const requestTimeoutMs = 60_000;

interface Answer {
  statusCode: number;
  body: string;
  retryAfterMs?: number;
  requestId?: string;
}

/**
 * Keeps what Azure last answered, word for word. The SDK drops it in the cases that matter most: of an operation that
 * failed it tells a sentence, of a refused PUT the outer code; nested details, where the reason is, are in neither.
 */
export interface Wire {
  policy: PipelinePolicy;
  last: Answer | undefined;
}

export const createWire = (): Wire => {
  const wire: Wire = {
    last: undefined,
    policy: {
      name: 'kaitoWirePolicy',
      async sendRequest(request, next) {
        wire.last = undefined;
        request.timeout ||= requestTimeoutMs;
        try {
          const response = await next(request);
          const requestId = response.headers.get('x-ms-correlation-request-id') ?? response.headers.get('x-ms-request-id');
          const retryAfterMs = parseRetryAfterMs(response.headers, Date.now());
          wire.last = {
            statusCode: response.status,
            body: response.bodyAsText ?? '',
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
            ...(requestId === undefined ? {} : { requestId }),
          };
          return response;
        } catch (error) {
          // Told apart from an abort that somebody wanted.
          if (error instanceof Error && error.name === 'AbortError' && !request.abortSignal?.aborted) {
            throw Object.assign(new Error(`No answer within ${requestTimeoutMs / 1000} s`, { cause: error }), { code: 'TIMEOUT' });
          }
          throw error;
        }
      },
    },
  };
  return wire;
};

/** What a refusal says; undefined when the error is not one of Azure's answers. */
export const readFailure = (error: unknown, { last }: Wire): CloudFailure | undefined => {
  if (!(error instanceof Error) || error.name !== 'RestError') return undefined;
  const statusCode: unknown = Reflect.get(error, 'statusCode');
  if (typeof statusCode !== 'number') return undefined;
  const code: unknown = Reflect.get(error, 'code');
  const said = last?.statusCode === statusCode ? parseFailure(last.body) : undefined;
  return {
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...said,
    statusCode,
    ...(last?.requestId === undefined ? {} : { requestId: last.requestId }),
  };
};

/** `Retry-After` in seconds or as a date, or Azure's own header in milliseconds; undefined when it says nothing or "now". */
const parseRetryAfterMs = (headers: { get(name: string): string | undefined }, nowMs: number): number | undefined => {
  const inMs = Number(headers.get('retry-after-ms') ?? headers.get('x-ms-retry-after-ms'));
  if (inMs > 0) return inMs;
  const text = headers.get('retry-after');
  if (text === undefined) return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? waitMs : undefined;
};
