import type { IncomingMessage } from 'node:http';
import { StatusError } from './errors.ts';

/** How objects are shown: themselves, as rows that the server lays out, or their metadata alone. */
export type Representation = 'Object' | 'Table' | 'Metadata';

/**
 * The first of the `Accept` header's wishes that can be met; `application/json;as=Table;v=v1;g=meta.k8s.io`. Throws 406
 * when there is none. https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export const representationOf = (request: IncomingMessage): Representation => {
  const clauses = parseAccept(request.headers.accept ?? '*/*').filter(({ mediaType }) => isJson(mediaType));
  if (clauses.length === 0) throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${representations.join(', ')}`, {});
  for (const { parameters } of clauses) {
    const as = parameters.get('as');
    if (as === undefined) return 'Object';
    if (as === 'Table' && parameters.get('v') === 'v1') return 'Table';
    if ((as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') && parameters.get('v') === 'v1') return 'Metadata';
  }
  throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${mediaTypes.join(', ')}`);
};

/** What the API server lists, whether this one has it or not: clients choose by it. */
const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const representations = [...mediaTypes, ...['application/json', 'application/vnd.kubernetes.protobuf'].map((type) => `${type};stream=watch`)];

/** Whether the client prefers that representation to plain JSON, as `g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`. */
export const prefers = (request: IncomingMessage, wanted: Readonly<Record<string, string>>): boolean => {
  for (const { mediaType, parameters } of parseAccept(request.headers.accept ?? '*/*')) {
    if (!isJson(mediaType)) continue;
    if (!parameters.has('as')) return false;
    if (Object.entries(wanted).every(([name, value]) => parameters.get(name) === value)) return true;
  }
  return false;
};

const isJson = (mediaType: string): boolean => ['application/json', '*/*'].includes(mediaType);

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
