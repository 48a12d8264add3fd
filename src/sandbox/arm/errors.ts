import type { HttpsResponse } from '../https.ts';

/** https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/common-api-details.md#error-response-content */
export interface ErrorDetail {
  code: string;
  message: string;
  target?: string;
  details?: ErrorDetail[];
}

/** A refusal on its way to the client. Who speaks decides its shape, see `armError` and `aksError`. */
export class ArmError extends Error {
  readonly response: HttpsResponse;

  constructor(message: string, response: HttpsResponse) {
    super(message);
    this.response = response;
  }
}

/** Azure Resource Manager itself speaks: login, permission, registration, what is not there. Wrapped in `error`. */
export const armError = (status: number, code: string, message: string, headers: Record<string, string> = {}): ArmError =>
  new ArmError(message, { status, headers, body: { error: { code, message } } });

/**
 * The AKS resource provider speaks. Unlike what its specification says, its errors are flat, so that a client which only
 * reads `error.code` finds nothing.
 */
export const aksError = (status: number, code: string, message: string, target?: string): ArmError =>
  new ArmError(message, { status, body: { code, details: null, message, subcode: '', ...(target === undefined ? {} : { target }) } });

/** How a long-running operation ends when it has not succeeded: told in its status, not in an answer. */
export class OperationFailure extends Error {
  readonly detail: ErrorDetail;

  constructor(detail: ErrorDetail) {
    super(detail.message);
    this.detail = detail;
  }
}
