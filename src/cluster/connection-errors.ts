import { AccessError, FailedError, type KaitoError } from '../domain/errors.ts';
import { isRecord } from './object.ts';
import type { Server } from './errors.ts';

interface Explanation {
  reason: string;
  /** Follows the name of the server. */
  says: string;
  hints: (server: Server) => string[];
  isAccess?: boolean;
}

/**
 * An error of the socket, of TLS or of HTTP itself as a sentence that names the server. Such errors carry a code; nested
 * ones (several addresses tried, a `fetch` around the socket) are looked through for the first.
 */
export const toConnectionError = (error: unknown, server: Server): KaitoError => {
  const { code, message } = findCode(error);
  const explanation = explanations[code] ?? families.find(({ codes }) => codes.test(code))?.explanation ?? unknown;
  const details = { reason: explanation.reason, fact: message, hints: explanation.hints(server), cause: error };
  const sentence = `The API server ${server.url} ${explanation.says}.`;
  return explanation.isAccess ? new AccessError(sentence, details) : new FailedError(sentence, details);
};

/** The connection broke before an answer came: what only reads can be asked again. */
export const isBrokenConnection = (error: unknown): boolean => explanations[findCode(error).code] === lost;

const checkContext = ({ kubectl, contextName }: Server): string => `Check that ${JSON.stringify(contextName)} is the cluster that is meant: ${kubectl} config get-contexts`;

const refused: Explanation = {
  reason: 'ConnectionRefused',
  says: 'refuses connections',
  hints: (server) => ['Start the cluster if it is stopped: az aks start', checkContext(server)],
};
const unknownHost: Explanation = {
  reason: 'UnknownHost',
  says: 'has a name that cannot be resolved',
  hints: (server) => ['A private cluster can only be found from inside its network: connect the VPN', checkContext(server)],
};
const unanswered: Explanation = {
  reason: 'ConnectTimeout',
  says: 'does not answer',
  hints: (server) => ['Connect the VPN, or have this address added to the authorised IP ranges of the cluster', checkContext(server)],
};
const lost: Explanation = { reason: 'ConnectionLost', says: 'broke the connection off', hints: () => ['Run the same command again'] };
const untrusted: Explanation = {
  reason: 'CertificateUntrusted',
  says: 'shows a certificate that is signed by nobody trusted here',
  hints: ({ kubectl }) => [
    'Behind a proxy that opens TLS, name its certificate authority in NODE_EXTRA_CA_CERTS or in certificate-authority of the kubeconfig',
    `If the cluster was created anew, its kubeconfig is out of date: ${kubectl} config view`,
  ],
};
const expired: Explanation = {
  reason: 'CertificateExpired',
  says: 'shows a certificate that is not valid at this time',
  hints: () => ["Check this machine's clock", 'Have the certificates of the cluster rotated: az aks rotate-certs'],
};
const otherName: Explanation = {
  reason: 'CertificateNameMismatch',
  says: 'shows a certificate for another name',
  hints: (server) => ['Set tls-server-name of the cluster in the kubeconfig when the address is a tunnel or a proxy', checkContext(server)],
};
const notTls: Explanation = { reason: 'TlsFailed', says: 'and this program could not agree on TLS', hints: (server) => [checkContext(server)] };
const clientCertificate: Explanation = {
  reason: 'ClientCertificate',
  says: 'does not accept the client certificate of the kubeconfig',
  hints: () => ['Get a new kubeconfig: az aks get-credentials --overwrite-existing'],
  isAccess: true,
};
const notHttp: Explanation = { reason: 'NotHttp', says: 'does not speak HTTP', hints: (server) => [checkContext(server)] };
const unknown: Explanation = { reason: 'ConnectionFailed', says: 'could not be asked', hints: (server) => [checkContext(server)] };
const silent: Explanation = { reason: 'ServerSilent', says: 'took the question but did not answer in time', hints: () => ['Run the same command again in a minute'] };

const explanations: Record<string, Explanation> = {
  ECONNREFUSED: refused,
  ENOTFOUND: unknownHost,
  EAI_AGAIN: unknownHost,
  EAI_NODATA: unknownHost,
  ETIMEDOUT: unanswered,
  EHOSTUNREACH: unanswered,
  ENETUNREACH: unanswered,
  EHOSTDOWN: unanswered,
  ECONNRESET: lost,
  EPIPE: lost,
  // Set by `transport.ts`, which bounds both waits itself.
  CONNECT_TIMEOUT: unanswered,
  ANSWER_TIMEOUT: silent,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_REJECTED: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: expired,
  ERR_TLS_CERT_ALTNAME_INVALID: otherName,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: clientCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: clientCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: clientCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: clientCertificate,
};

const families: { codes: RegExp; explanation: Explanation }[] = [
  { codes: /^(ERR_SSL_|ERR_TLS_|EPROTO)/, explanation: notTls },
  { codes: /^HPE_/, explanation: notHttp },
];

/** The first code down the chain of causes and inside of aggregates, with the words that stand beside it. */
const findCode = (error: unknown): { code: string; message: string } => {
  const queue: unknown[] = [error];
  const seen = new Set<unknown>();
  for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
    if (!isRecord(current) || seen.has(current)) continue;
    seen.add(current);
    const { code, message, errors, cause } = current;
    // An aggregate has a code but no words; its first member has both.
    if (typeof code === 'string' && typeof message === 'string' && message !== '') return { code, message };
    if (Array.isArray(errors)) queue.push(...errors);
    queue.push(cause);
  }
  return { code: '', message: error instanceof Error ? error.message : String(error) };
};
