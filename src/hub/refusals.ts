import { AccessError, FailedError, NotFoundError, TimeoutError, type KaitoError } from '../domain/errors.ts';

/** What was asked, for sentences about why there is no answer. */
export interface Question {
  /** The model. */
  id: string;
  /** Host of the hub, or of its mirror. */
  host: string;
  /** The page where people look at the model and accept its licence. */
  page: string;
  hasToken: boolean;
  /** Models of the catalogue with names like this. */
  nearest: readonly string[];
}

export interface Refusal {
  status: number;
  /** `X-Error-Code`: `GatedRepo`, `RepoNotFound`, `RevisionNotFound`, ... */
  code: string;
  message: string;
}

/**
 * Why the hub does not give a model. Without a token it says 401 for what does not exist as for what is private, and tells
 * them apart by a code: https://huggingface.co/docs/huggingface_hub/package_reference/utilities#huggingface_hub.errors
 */
export const toHubError = (refusal: Refusal, question: Question): KaitoError => {
  const { status, code, message } = refusal;
  const { id, host, hasToken } = question;
  const fact = [`${host} answered ${status}`, code, message].filter((part) => part !== '').join(': ');
  if (isOutOfOrder(refusal)) return new FailedError(`${host} could not say anything about ${id}.`, { reason: hubUnreachable, fact, hints: ['Try again in a while.', ...(status === 429 && !hasToken ? [tokenHint] : [])] });
  if (code === 'RevisionNotFound') return new NotFoundError(`${id} has no such commit any more.`, { reason: 'RevisionNotFound', fact });
  if (status === 404 || code === 'RepoNotFound') return notFound(fact, question);
  if (status === 401 || status === 403) return noAccess(refusal, fact, question);
  return new FailedError(`${host} refused to tell about ${id}.`, { reason: 'HubRefused', fact });
};

export const toUnreachableError = (error: unknown, { id, host }: Question, timeoutMs: number): KaitoError => {
  const details = { reason: hubUnreachable, hints: ['Check the network, and HF_ENDPOINT when it is set.', 'Behind a proxy: set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY.', 'Models of the catalogue need no hub: kaito-ts presets'], cause: error };
  if (error instanceof Error && error.name === 'TimeoutError') return new TimeoutError(`${host} did not answer within ${timeoutMs / 1000} s when asked about ${id}.`, details);
  return new FailedError(`${host} cannot be reached, so nothing is known about ${id}.`, { ...details, fact: innermostMessage(error) });
};

/** The hub may answer another time, and what was read before is as good as ever. */
export const isUnreachable = (error: KaitoError): boolean => error.reason === hubUnreachable;

const hubUnreachable = 'HubUnreachable';

const isOutOfOrder = ({ status }: Refusal): boolean => status >= 500 || status === 429 || status === 408;

const notFound = (fact: string, { id, hasToken, nearest }: Question): NotFoundError =>
  new NotFoundError(`There is no model ${id} on Hugging Face${hasToken ? '' : ' that everybody may see'}.`, {
    reason: 'ModelNotFound',
    fact,
    hints: [...(nearest.length > 0 ? [`Nearest in the catalogue: ${nearest.join(', ')}.`] : []), ...(hasToken ? [] : [`If it is private: ${lowerFirst(tokenHint)}`]), 'kaito-ts presets'],
  });

const noAccess = ({ code, message }: Refusal, fact: string, { id, page, hasToken, nearest }: Question): AccessError => {
  const isGated = code === 'GatedRepo' || /gated|restricted|awaiting a review/i.test(message);
  if (hasToken && !isGated) {
    return new AccessError(`The Hugging Face token may not read ${id}.`, {
      reason: 'HubTokenRefused',
      fact,
      hints: ['Make sure the token is valid, may read this repository, and belongs to somebody who can see it: https://huggingface.co/settings/tokens'],
    });
  }
  if (isGated) {
    return new AccessError(`${id} is gated on Hugging Face${hasToken ? ", and the token's owner has no access." : ', and there is no token.'}`, {
      reason: 'ModelGated',
      fact,
      hints: [`Accept its licence at ${page}.`, ...(hasToken ? ['Or use the token of somebody who has.'] : [tokenHint])],
    });
  }
  return new AccessError(`${id} cannot be read without a token: it is private or gated, or there is no such model.`, {
    reason: 'HubTokenMissing',
    fact,
    hints: [`Look whether you can see it: ${page}`, tokenHint, ...(nearest.length > 0 ? [`Nearest in the catalogue: ${nearest.join(', ')}.`] : [])],
  });
};

const tokenHint = 'Set HF_TOKEN to a token of yours (https://huggingface.co/settings/tokens), or run: hf auth login';

const lowerFirst = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1)}`;

/** fetch says only "fetch failed"; what happened is in the cause, and Node gathers the attempts at several addresses. */
const innermostMessage = (error: unknown): string => {
  let current = error;
  for (let depth = 0; depth < 10; depth += 1) {
    const next: unknown = current instanceof AggregateError ? current.errors[0] : current instanceof Error ? current.cause : undefined;
    if (!(next instanceof Error)) break;
    current = next;
  }
  return current instanceof Error ? current.message : String(current);
};
