import { randomUUID } from 'node:crypto';
import type { HttpsResponse } from '../https.ts';

/**
 * Entra's refusals: the OAuth error that goes with each number, and Entra's text for it.
 * Numbers and texts: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const refusals = {
  invalidRequest: { error: 'invalid_request', status: 400, code: 900144 },
  invalidGrantType: { error: 'unsupported_grant_type', status: 400, code: 70003 },
  invalidScope: { error: 'invalid_scope', status: 400, code: 70011 },
  scopeWithoutDefault: { error: 'invalid_scope', status: 400, code: 1002012 },
  unknownResource: { error: 'invalid_resource', status: 400, code: 500011 },
  unknownTenant: { error: 'invalid_request', status: 400, code: 90002 },
  unknownClient: { error: 'unauthorized_client', status: 400, code: 700016 },
  missingCredential: { error: 'invalid_client', status: 401, code: 7000218 },
  wrongSecret: { error: 'invalid_client', status: 401, code: 7000215 },
  malformedAssertion: { error: 'invalid_client', status: 401, code: 50027 },
  expiredAssertion: { error: 'invalid_client', status: 401, code: 700024 },
  wrongAudience: { error: 'invalid_client', status: 401, code: 700212 },
} as const;

/** Thrown where a request turns out to be wrong; `message` is Entra's text without the number. */
export class EntraRefusal extends Error {
  readonly refusal: keyof typeof refusals;

  constructor(refusal: keyof typeof refusals, message: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** The refusal as Entra answers it at that time. */
export const toResponse = ({ refusal, message }: EntraRefusal, now: Date): HttpsResponse => {
  const { error, status, code } = refusals[refusal];
  const traceId = randomUUID();
  const correlationId = randomUUID();
  const timestamp = `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    status,
    body: {
      error,
      error_description: `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
  };
};
