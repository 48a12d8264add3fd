import type { IncomingHttpHeaders } from 'node:http';
import { aksError } from './errors.ts';

/** `If-Match` and `If-None-Match` as AKS reads them: https://learn.microsoft.com/azure/aks/use-etags. `eTag` is the pool's, if there is one. */
export const checkPreconditions = (headers: IncomingHttpHeaders, eTag: string | undefined): void => {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match !== undefined && noneMatch !== undefined) {
    throw aksError(400, 'BadRequest', 'The headers If-Match and If-None-Match may not both be set.');
  }
  if (noneMatch !== undefined && noneMatch !== '' && noneMatch !== '*') {
    throw aksError(400, 'BadRequest', `The header If-None-Match may only be empty or '*', not '${noneMatch}'.`);
  }
  if (noneMatch === '*' && eTag !== undefined) {
    throw aksError(412, 'PreconditionFailed', "The condition If-None-Match '*' is not met: the resource exists already.");
  }
  if (match === undefined || match === '') return;
  if (eTag === undefined) throw aksError(412, 'PreconditionFailed', `The condition If-Match '${match}' is not met: there is no such resource.`);
  if (match !== '*' && match !== eTag) throw aksError(412, 'PreconditionFailed', `The condition If-Match '${match}' is not met: the eTag is '${eTag}'.`);
};
