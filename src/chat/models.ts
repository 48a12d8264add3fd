import { FailedError, UsageError } from '../domain/errors.ts';
import { toDialectName, type DialectName } from './dialect.ts';
import { connectionLost, toAnswerError } from './errors.ts';
import { get, type RequestOptions } from './http.ts';
import { isRecord, parseJson } from './json.ts';

export interface ServedModel {
  id: string;
  /** The base model's id when this is a LoRA adapter. */
  parent: string | null;
  dialect: DialectName;
  /** vLLM tells it, and only of the base model. */
  contextLengthTokens: number | null;
}

/** What the server says it serves: the base first, then each adapter. A refusal is thrown; `reason` is `NoSuchPath` for early images. */
export const listModels = async (baseUrl: string, options: RequestOptions): Promise<ServedModel[]> => {
  const reply = await get(`${baseUrl}/v1/models`, options);
  if (!reply.isReached) throw connectionLost(new Error(reply.fact), false);
  if (reply.status !== 200) throw toAnswerError(reply.status, reply.body);
  const list = parseJson(reply.body);
  const models = isRecord(list) && Array.isArray(list.data) ? list.data.flatMap(toServedModel) : [];
  if (models.length > 0) return models;
  throw new FailedError('The model server does not say which model it serves.', { reason: 'NoModels', fact: `GET /v1/models answered ${reply.body.slice(0, 200)}` });
};

const toServedModel = (entry: unknown): ServedModel[] => {
  if (!isRecord(entry) || typeof entry.id !== 'string') return [];
  return [
    {
      id: entry.id,
      parent: typeof entry.parent === 'string' ? entry.parent : null,
      dialect: toDialectName(typeof entry.owned_by === 'string' ? entry.owned_by : ''),
      contextLengthTokens: typeof entry.max_model_len === 'number' ? entry.max_model_len : null,
    },
  ];
};

/** An image that has no `/v1/models`: its one model has no name that could be asked for. */
export const legacyModel: ServedModel = { id: 'unnamed', parent: null, dialect: 'legacy', contextLengthTokens: null };

/** The one that was asked for, else the base. Never guessed: UsageError with the list when there is no such one, or when several could be meant. */
export const pickModel = (models: readonly ServedModel[], wanted: { model?: string; adapter?: string }): ServedModel => {
  const bases = models.filter(({ parent }) => parent === null);
  const adapters = models.filter(({ parent }) => parent !== null);
  if (wanted.adapter !== undefined) {
    const adapter = adapters.find(({ id }) => id === wanted.adapter);
    if (adapter) return adapter;
    throw new UsageError(`The server has no adapter ${JSON.stringify(wanted.adapter)}.`, { hints: [describeAdapters(models, adapters)] });
  }
  if (wanted.model !== undefined) {
    const model = models.find(({ id }) => id === wanted.model);
    if (model) return model;
    throw new UsageError(`The server has no model ${JSON.stringify(wanted.model)}.`, { hints: [`It serves: ${models.map(({ id }) => id).join(', ')}.`] });
  }
  const [base, ...others] = bases;
  if (base && others.length === 0) return base;
  throw new UsageError('The server serves several models, and none was named.', { hints: [`Choose one of: ${models.map(({ id }) => id).join(', ')}.`] });
};

/** The base that an adapter changes, or the model itself. */
export const baseOf = (models: readonly ServedModel[], model: ServedModel): ServedModel => models.find(({ id }) => id === model.parent) ?? model;

const describeAdapters = (models: readonly ServedModel[], adapters: readonly ServedModel[]): string => {
  if (adapters.length > 0) return `Choose one of: ${adapters.map(({ id }) => id).join(', ')}.`;
  // Its adapters are merged into the weights when it starts.
  return models.some(({ dialect }) => dialect === 'transformers')
    ? 'The transformers runtime merges its adapters into the model: talk to it without naming one.'
    : 'It serves no adapter at all.';
};
