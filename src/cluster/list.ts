import { FailedError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import { toCall } from './abort.ts';
import type { Call, ListOptions } from './cluster.ts';
import type { Question } from './question.ts';
import { isRecord, textOf, toObject } from './object.ts';
import type { Query, Transport } from './transport.ts';

export interface List {
  items: KubernetesObject[];
  /** The moment that the list shows: where a watch goes on. */
  resourceVersion: string;
}

/** As many as kubectl asks for at a time, which is kind to the server and lets a large list come in bounded pieces. */
const pageSize = 500;

/** Everything that matches, page by page. */
export const listAll = async (transport: Transport, question: Question, options: ListOptions & Call = {}): Promise<List> => {
  try {
    return await listPages(transport, question, options, pageSize);
  } catch (error) {
    // The pages of a list are of one moment, which the server may forget while they are read; a list in one go cannot be cut so.
    if (error instanceof FailedError && error.reason === 'Expired') return await listPages(transport, question, options, undefined);
    throw error;
  }
};

const listPages = async (
  transport: Transport,
  question: Question,
  options: ListOptions & Call,
  limit: number | undefined,
): Promise<List> => {
  const items: KubernetesObject[] = [];
  let next: string | undefined;
  let resourceVersion = '';
  do {
    const { body } = await transport.ask({
      question,
      method: 'GET',
      query: { ...toSelectors(options), limit, continue: next },
      ...toCall(options),
    });
    const page: Record<string, unknown> = isRecord(body) ? body : {};
    const metadata: Record<string, unknown> = isRecord(page['metadata']) ? page['metadata'] : {};
    for (const item of Array.isArray(page['items']) ? page['items'] : []) {
      // Items of a list come without apiVersion and kind. They are put in where they are: a copy of each takes longer than all else.
      items.push(toObject(isRecord(item) ? Object.assign(item, { apiVersion: question.resource.apiVersion, kind: question.kind }) : item));
    }
    next = textOf(metadata['continue']) || undefined;
    resourceVersion = textOf(metadata['resourceVersion']);
  } while (next !== undefined);
  return { items, resourceVersion };
};

export const toSelectors = ({ labelSelector, fieldSelector }: ListOptions): Query => ({ labelSelector, fieldSelector });
