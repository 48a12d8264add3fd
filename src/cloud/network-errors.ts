import { FailedError } from '../domain/errors.ts';

/**
 * The connection itself failed: no name, nobody there, a certificate that is not trusted. FailedError that names the host
 * and the cause; undefined when the error is something else.
 */
export const toNetworkError = (error: unknown, where: { doing: string; host: string }): FailedError | undefined => {
  const code = findCode(error);
  if (code === undefined) return undefined;
  const { what, hints } = certificateCodes.test(code) ? certificateTrouble : (troubles[code] ?? unknownTrouble(code));
  return new FailedError(`${where.host} ${what}, so ${where.doing} did not happen.`, { reason: code, fact: firstText(error) ?? code, hints, cause: error });
};

/** Worth trying again at once: the connection broke, rather than was impossible. */
export const isPassingNetworkTrouble = (error: unknown): boolean => {
  const code = findCode(error);
  return code !== undefined && ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETDOWN', 'REQUEST_SEND_ERROR', 'TIMEOUT'].includes(code);
};

interface Trouble {
  what: string;
  hints: readonly string[];
}

const proxyHint = 'Behind a proxy: set HTTPS_PROXY, and NO_PROXY for what is inside.';

const troubles: Readonly<Record<string, Trouble>> = {
  ENOTFOUND: { what: 'has no address', hints: ['Check the network, and AZURE_RESOURCE_MANAGER_ENDPOINT or AZURE_AUTHORITY_HOST when one of them is set.', proxyHint] },
  EAI_AGAIN: { what: 'could not be looked up', hints: ['Check the network and its name server.', proxyHint] },
  ECONNREFUSED: { what: 'refused the connection', hints: [proxyHint] },
  ECONNRESET: { what: 'broke the connection', hints: [proxyHint] },
  ETIMEDOUT: { what: 'did not answer', hints: [proxyHint] },
  TIMEOUT: { what: 'did not answer in time', hints: [proxyHint] },
  EHOSTUNREACH: { what: 'cannot be reached', hints: [proxyHint] },
  ENETUNREACH: { what: 'cannot be reached', hints: [proxyHint] },
  EPIPE: { what: 'broke the connection', hints: [proxyHint] },
};

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|TLS_CERT_ALTNAME/;

const certificateTrouble: Trouble = {
  what: 'has a certificate that is not trusted here',
  hints: ['When a proxy or a company signs it: set NODE_EXTRA_CA_CERTS to the PEM file with its certificate authority.'],
};

const unknownTrouble = (code: string): Trouble => ({ what: `could not be spoken to (${code})`, hints: [proxyHint] });

/** `ENOENT` and its like are about files and programs. */
const isNetworkCode = (code: string): boolean => code in troubles || /^(EPROTO|ECONNABORTED|ENETDOWN|REQUEST_SEND_ERROR|ERR_SSL_.*)$/.test(code) || certificateCodes.test(code);

/** The SDKs wrap errors in errors, and Node gathers the attempts at several addresses in one. */
const findCode = (error: unknown, depth = 0): string | undefined => {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined;
  const inner = [Reflect.get(error, 'cause'), Reflect.get(error, 'errors')].flat();
  const deeper = inner.map((candidate) => findCode(candidate, depth + 1)).find((code) => code !== undefined);
  const code: unknown = Reflect.get(error, 'code');
  return deeper ?? (typeof code === 'string' && isNetworkCode(code) ? code : undefined);
};

const firstText = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? firstText(error.errors[0]) : firstText(error.cause);
};
