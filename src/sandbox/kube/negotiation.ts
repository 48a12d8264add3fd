import type { IncomingMessage } from 'node:http';
import { StatusError } from './errors.ts';

/** How objects are shown: themselves, as rows that the server lays out, or their metadata alone. */
export type Representation = 'Object' | 'Table' | 'Metadata';

/**
 * The first of the `Accept` header's wishes that can be met; `application/json;as=Table;v=v1;g=meta.k8s.io`. Throws 406
 * when there is none. https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export const representationOf = (request: IncomingMessage): Representation => {
  for (const { mediaType, parameters } of parseAccept(request.headers.accept ?? '*/*')) {
    if (!isJson(mediaType)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'Object';
    if (as === 'Table' && parameters.get('v') === 'v1') return 'Table';
    if ((as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') && parameters.get('v') === 'v1') return 'Metadata';
  }
  throw new StatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json', {});
};

/** Whether the client prefers that representation to plain JSON, as `g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`. */
export const prefers = (request: IncomingMessage, wanted: Readonly<Record<string, string>>): boolean => {
  for (const { mediaType, parameters } of parseAccept(request.headers.accept ?? '*/*')) {
    if (!isJson(mediaType)) continue;
    if (!parameters.has('as')) return false;
    if (Object.entries(wanted).every(([name, value]) => parameters.get(name) === value)) return true;
  }
  return false;
};

const isJson = (mediaType: string): boolean => ['application/json', 'application/*', '*/*'].includes(mediaType);

const parseAccept = (header: string): { mediaType: string; parameters: ReadonlyMap<string, string> }[] =>
  header.split(',').map((clause) => {
    const [mediaType = '', ...parameters] = clause.split(';').map((part) => part.trim());
    return {
      mediaType: mediaType.toLowerCase(),
      parameters: new Map(
        parameters.map((parameter): [string, string] => {
          const [name = '', value = ''] = parameter.split('=');
          return [name, value];
        }),
      ),
    };
  });
