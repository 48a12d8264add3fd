import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * The error codes of the distribution specification with their status, and the two that docker's registry adds.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
const problems = {
  BLOB_UNKNOWN: [404, 'blob unknown to registry'],
  BLOB_UPLOAD_INVALID: [400, 'blob upload invalid'],
  BLOB_UPLOAD_UNKNOWN: [404, 'blob upload unknown to registry'],
  DENIED: [403, 'requested access to the resource is denied'],
  DIGEST_INVALID: [400, 'provided digest did not match uploaded content'],
  MANIFEST_BLOB_UNKNOWN: [400, 'manifest references a manifest or blob unknown to registry'],
  MANIFEST_INVALID: [400, 'manifest invalid'],
  MANIFEST_UNKNOWN: [404, 'manifest unknown to registry'],
  NAME_INVALID: [400, 'invalid repository name'],
  NAME_UNKNOWN: [404, 'repository name not known to registry'],
  NOT_FOUND: [404, 'no such endpoint'],
  RANGE_INVALID: [416, 'invalid content range'],
  SIZE_INVALID: [413, 'provided content is larger than this registry takes'],
  TAG_INVALID: [400, 'manifest tag did not match URI'],
  UNAUTHORIZED: [401, 'authentication required'],
  UNAVAILABLE: [503, 'service unavailable'],
  UNSUPPORTED: [405, 'the operation is unsupported'],
} as const;

export type ProblemCode = keyof typeof problems;

/** A refusal in the registry's own words; thrown by the handlers, written by the server. */
export class RegistryProblem extends Error {
  override name = 'RegistryProblem';
  readonly code: ProblemCode;
  readonly detail: unknown;
  readonly headers: OutgoingHttpHeaders;

  constructor(code: ProblemCode, options: { detail?: unknown; headers?: OutgoingHttpHeaders } = {}) {
    super(problems[code][1]);
    this.code = code;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return problems[this.code][0];
  }
}

export const writeProblem = (response: ServerResponse, problem: RegistryProblem): void => {
  const body = JSON.stringify({
    errors: [{ code: problem.code, message: problem.message, ...(problem.detail === undefined ? {} : { detail: problem.detail }) }],
  });
  response.writeHead(problem.status, {
    ...problem.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
};
