import { isRecord, textOf } from './object.ts';

/** A `metav1.Status`, or what comes closest when something other than the API server answered. */
export interface Refusal {
  code: number;
  /** Empty when the answer was no Status. */
  reason: string;
  message: string;
  /** What the Status is about: absent when the path itself is unknown. */
  name?: string;
  kind?: string;
  causes: RefusalCause[];
  retryAfterSeconds?: number;
}

export interface RefusalCause {
  reason: string;
  message: string;
  field: string;
}

/** Reads a refusal from the body of an answer, or from the `object` of a watch's ERROR event. */
export const parseRefusal = (httpCode: number, body: unknown): Refusal => {
  const status = isRecord(body) ? body : parseRecord(body);
  if (status?.['kind'] !== 'Status') return { code: httpCode, reason: '', message: plainText(body, httpCode), causes: [] };
  const details: Record<string, unknown> = isRecord(status['details']) ? status['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'].filter(isRecord) : [];
  const { name, kind, retryAfterSeconds } = details;
  const { code } = status;
  return {
    code: typeof code === 'number' && code > 0 ? code : httpCode,
    reason: textOf(status['reason']),
    message: textOf(status['message']),
    ...(textOf(name) === '' ? {} : { name: textOf(name) }),
    ...(textOf(kind) === '' ? {} : { kind: textOf(kind) }),
    causes: causes.map((cause) => ({ reason: textOf(cause['reason']), message: textOf(cause['message']), field: textOf(cause['field']) })),
    ...(typeof retryAfterSeconds === 'number' ? { retryAfterSeconds } : {}),
  };
};

const longestPlainText = 300;

/** A proxy's HTML page says little more than its title, and an empty answer nothing. */
const plainText = (body: unknown, httpCode: number): string => {
  const text = typeof body === 'string' ? body.trim() : '';
  const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1]?.trim();
  return (title ?? text.replaceAll(/\s+/g, ' ')).slice(0, longestPlainText) || `HTTP ${httpCode}`;
};

const parseRecord = (body: unknown): Record<string, unknown> | undefined => {
  if (typeof body !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
};
