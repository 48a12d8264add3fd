import type { JsonRecord } from './json.ts';
import type { ResourceName } from './store.ts';

/** One cause inside a refusal: which field, and what is wrong with it. */
export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/**
 * A refusal of the API, with the code, reason and words of apimachinery's own constructors:
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go
 */
export class StatusError extends Error {
  readonly code: number;
  /** Empty where the server gives none. */
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** A refusal by something behind the API server, which passes its text on as it is. */
export class PlainRefusal extends Error {
  override readonly name = 'PlainRefusal';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The body that says it: `metav1.Status`. */
export const toStatus = (error: StatusError): JsonRecord => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: error.message,
  ...(error.reason ? { reason: error.reason } : {}),
  ...(error.details ? { details: error.details } : {}),
  code: error.code,
});

export const notFound = (resource: ResourceName, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${resource} "${name}" not found`, detailsOf(resource, name));

/** No such path in the API at all. */
export const unknownPath = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: ResourceName, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${resource} "${name}" already exists`, detailsOf(resource, name));

export const conflict = (resource: ResourceName, name: string, why: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resource} "${name}": ${why}`,
    detailsOf(resource, name),
  );

/** A version that the server has not reached, though it waited for it. */
export const tooLargeVersion = (wanted: string, current: string): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

export const staleVersion = (resource: ResourceName, name: string): StatusError =>
  conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again');

export const applyConflict = (message: string, causes: StatusCause[]): StatusError =>
  new StatusError(409, 'Conflict', message, { causes });

export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

export const forbidden = (
  resource: ResourceName,
  name: string | undefined,
  why: string,
  causes?: StatusCause[],
): StatusError =>
  new StatusError(403, 'Forbidden', `${resource}${name ? ` "${name}"` : ''} is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes ? { causes } : {}),
  });

export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);

export const tooLarge = (limitBytes: number): StatusError =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);

export const serviceUnavailable = (): StatusError =>
  new StatusError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');

export const internalError = (message: string): StatusError =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ reason: '', message }],
  });

/** What is wrong with one field; `value` is shown unless the type of error has none to show. */
export interface FieldProblem {
  type: 'Required' | 'Invalid' | 'Forbidden' | 'TooLong' | 'NotSupported' | 'Duplicate' | 'NotFound';
  field: string;
  value?: unknown;
  detail: string;
}

/** Every problem of an object at once, as `metadata.name: Invalid value: "A": a lowercase ...`. */
export const invalid = (group: string, kind: string, name: string, problems: readonly FieldProblem[]): StatusError => {
  // The same twice is a cause twice, and told once.
  const told = [...new Set(problems.map((problem) => `${problem.field}: ${describeProblem(problem)}`))];
  const list = told.length === 1 ? told[0] : `[${told.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${list}`, {
    ...(name ? { name } : {}),
    ...(group ? { group } : {}),
    ...(kind ? { kind } : {}),
    causes: problems.map((problem) => ({
      reason: problemReasons[problem.type],
      message: describeProblem(problem),
      field: problem.field,
    })),
  });
};

const problemReasons: Record<FieldProblem['type'], string> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  Forbidden: 'FieldValueForbidden',
  TooLong: 'FieldValueTooLong',
  NotSupported: 'FieldValueNotSupported',
  Duplicate: 'FieldValueDuplicate',
  NotFound: 'FieldValueNotFound',
};

const problemWords: Record<FieldProblem['type'], string> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  Forbidden: 'Forbidden',
  TooLong: 'Too long',
  NotSupported: 'Unsupported value',
  Duplicate: 'Duplicate value',
  NotFound: 'Not found',
};

const describeProblem = (problem: FieldProblem): string => {
  const { type, value, detail } = problem;
  const showsValue = 'value' in problem && (type === 'Invalid' || type === 'NotSupported' || type === 'Duplicate' || type === 'NotFound');
  const words = problemWords[type] + (showsValue ? `: ${JSON.stringify(value)}` : '');
  return detail ? `${words}: ${detail}` : words;
};

/** `deployments.apps` in two fields, as details carry it. */
const detailsOf = (resource: ResourceName, name: string | undefined): StatusDetails => {
  const [plural = resource, ...group] = resource.split('.');
  return {
    ...(name ? { name } : {}),
    ...(group.length > 0 ? { group: group.join('.') } : {}),
    kind: plural,
  };
};
