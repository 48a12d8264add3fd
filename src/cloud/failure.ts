/** What Azure said when it refused or failed, in one shape. */
export interface CloudFailure {
  statusCode?: number;
  code?: string;
  message: string;
  /** What it is about, such as `agentPoolProfile.name`. */
  target?: string;
  /** The outer code is often only a wrapper: the reason is in here. */
  details?: CloudFailure[];
  /** For Microsoft's support: `x-ms-correlation-request-id`. */
  requestId?: string;
}

/**
 * Reads an error body. AKS answers flat, `{code, message, details: null, subcode: ""}`; Azure Resource Manager wraps,
 * `{error: {...}}`; an operation that failed has its `error` beside its `status`. Undefined when the text is none of them.
 */
export const parseFailure = (body: string): CloudFailure | undefined => {
  const json = parseJson(body);
  if (!isRecord(json)) return undefined;
  return toFailure(json['error'] ?? json);
};

/** Every code and text in the failure, outermost first; those that a message only quotes (`Code="X" Message="Y"`) as well. */
export const flattenFailure = (failure: CloudFailure): CloudFailure[] => [
  failure,
  ...quotedFailures(failure.message),
  ...(failure.details ?? []).flatMap(flattenFailure),
];

/** The status word of an operation, such as `InProgress`, or of a resource, such as `Creating`. */
export const parseState = (body: string): string | undefined => {
  const json = parseJson(body);
  if (!isRecord(json)) return undefined;
  const properties = isRecord(json['properties']) ? json['properties'] : {};
  return text(json['status']) ?? text(properties['provisioningState']);
};

/** An error of Azure that was parsed already, such as a pool's `provisioningError`; undefined when it says nothing. */
export const toFailure = (json: unknown): CloudFailure | undefined => {
  if (!isRecord(json)) return undefined;
  const code = text(json['code']);
  const message = text(json['message']);
  if (code === undefined && message === undefined) return undefined;
  const target = text(json['target']);
  const inner = [json['details'], json['innererror'] ?? json['innerError']].flat();
  const details = inner.map(toFailure).filter((detail) => detail !== undefined);
  return {
    ...(code === undefined ? {} : { code }),
    message: message ?? code ?? '',
    ...(target === undefined ? {} : { target }),
    ...(details.length === 0 ? {} : { details }),
  };
};

// Both the Go notation of AKS, Code="X" Message="Y", and JSON that was pasted into a sentence, "code": "X", "message": "Y".
const quotation = /\\?"?\bcode\\?"?\s*[=:]\s*\\?"([A-Za-z_]\w+)\\?"[\s,]*\\?"?message\\?"?\s*[=:]\s*\\?"((?:[^"\\]|\\[^"])*)/gi;

const quotedFailures = (message: string): CloudFailure[] =>
  [...message.matchAll(quotation)].map(([, code = '', quoted = '']) => ({ code, message: quoted }));

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
