import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { type JsonRecord, textAt } from './json.ts';
import { type Representation, representationOf } from './negotiation.ts';
import { toMetadata, toTable } from './table.ts';

export interface ObjectList {
  kind: string;
  apiVersion: string;
  metadata: JsonRecord;
  items: readonly KubernetesObject[];
}

/** Sends one object, whole or as the client asked to see it. */
export const sendObject = (exchange: Exchange, code: number, object: KubernetesObject): void => {
  const { resourceVersion, ...rest } = object.metadata;
  const shown = resourceVersion === '' ? { ...object, metadata: rest } : object;
  sendJson(exchange.response, code, represent(exchange, representationOf(exchange.request), shown));
};

export const sendList = (exchange: Exchange, { kind, apiVersion, metadata, items }: ObjectList): void => {
  const representation = representationOf(exchange.request);
  const { response, api, query } = exchange;
  if (representation === 'Table') {
    sendJson(response, 200, toTable(items, { kind: exchange.target.resource.kind, metadata, now: api.clock.now(), includeObject: includeOf(query) }));
  } else if (representation === 'Metadata') {
    sendJson(response, 200, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(toMetadata) });
  } else {
    // Items of a typed list do not repeat its kind.
    sendJson(response, 200, { kind, apiVersion, metadata, items: items.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest) });
  }
};

/** One object in the representation that was asked for; of a watch's tables only the first describes its columns. */
export const represent = (
  { api, query, target }: Exchange,
  representation: Representation,
  object: KubernetesObject,
  isFirst = true,
): unknown => {
  if (representation === 'Metadata') return toMetadata(object);
  if (representation !== 'Table') return object;
  const resourceVersion = textAt(object, 'metadata', 'resourceVersion');
  const table = toTable([object], {
    kind: object.kind === 'Scale' ? 'Scale' : target.resource.kind,
    metadata: resourceVersion ? { resourceVersion } : {},
    now: api.clock.now(),
    includeObject: includeOf(query),
  });
  return isFirst ? table : { ...table, columnDefinitions: null };
};

const includeOf = (query: URLSearchParams): string => query.get('includeObject') ?? 'Metadata';
