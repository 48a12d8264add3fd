import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { internalError, PlainRefusal, StatusError, toStatus } from './errors.ts';
import { sendJson } from './exchange.ts';

/** Answers with the Status that says why not. After the first byte of an answer only its end is left to say it. */
export const refuseRequest = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status = asStatusError(error);
  if (status.details?.retryAfterSeconds) response.setHeader('retry-after', status.details.retryAfterSeconds);
  sendJson(response, status.code, toStatus(status));
};

/** The same on a connection that is no longer HTTP's to answer. */
export const refuseUpgrade = (socket: Duplex, error: unknown): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { code, body, type } =
    error instanceof PlainRefusal
      ? { code: error.code, body: error.message, type: 'text/plain; charset=utf-8' }
      : { code: asStatusError(error).code, body: JSON.stringify(toStatus(asStatusError(error))), type: 'application/json' };
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Type: ${type}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
};

/** A mistake of ours is told as the API server tells its own, and does not look like a broken network. */
const asStatusError = (error: unknown): StatusError =>
  error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error));
