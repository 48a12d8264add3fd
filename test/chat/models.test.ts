import { describe, expect, it } from 'vitest';
import { listModels, pickModel, type ServedModel } from '../../src/chat/models.ts';
import { json, startModelServer, transformersModels, vllmModels, type Reply } from './support.ts';

const list = async (reply: Reply): Promise<ServedModel[]> => {
  const server = await startModelServer({ '/v1/models': reply });
  return listModels(server.baseUrl, { signal: new AbortController().signal });
};

const base: ServedModel = { id: 'tiny', parent: null, dialect: 'vllm', contextLengthTokens: 1024 };
const marv: ServedModel = { id: 'marv', parent: 'tiny', dialect: 'vllm', contextLengthTokens: null };

describe('listModels', () => {
  it('tells the base and its adapters of vLLM, and the context length', async () => {
    expect(await list(vllmModels)).toEqual([base, marv]);
  });

  it('knows the transformers server by its owner', async () => {
    expect(await list(transformersModels)).toEqual([{ id: 'tiny', parent: null, dialect: 'transformers', contextLengthTokens: null }]);
  });

  it('gives a server that it does not know the careful dialect', async () => {
    expect(await list(json(200, { data: [{ id: 'x', owned_by: 'somebody' }] }))).toMatchObject([{ dialect: 'transformers' }]);
  });

  it.each<[string, Reply, object]>([
    ['an early image', json(404, { detail: 'Not Found' }), { reason: 'NoSuchPath' }],
    ['a server that wants a key', json(401, { error: 'Unauthorized' }), { exitCode: 4 }],
    ['an empty list', json(200, { data: [] }), { reason: 'NoModels' }],
  ])('says so when it meets %s', async (_server, reply, expected) => {
    await expect(list(reply)).rejects.toMatchObject(expected);
  });
});

describe('pickModel', () => {
  it('takes the base, or what was named', () => {
    expect(pickModel([base, marv], {})).toBe(base);
    expect(pickModel([base, marv], { adapter: 'marv' })).toBe(marv);
    expect(pickModel([base, marv], { model: 'marv' })).toBe(marv);
  });

  it.each<[string, readonly ServedModel[], object, string, string]>([
    ['an adapter that is not there', [base, marv], { adapter: 'zaphod' }, 'The server has no adapter "zaphod".', 'Choose one of: marv.'],
    ['the base as an adapter', [base, marv], { adapter: 'tiny' }, 'The server has no adapter "tiny".', 'Choose one of: marv.'],
    ['a server without adapters', [base], { adapter: 'marv' }, 'The server has no adapter "marv".', 'It serves no adapter at all.'],
    [
      'the transformers runtime, which merges them',
      [{ ...base, dialect: 'transformers' }],
      { adapter: 'marv' },
      'The server has no adapter "marv".',
      'The transformers runtime merges its adapters into the model: talk to it without naming one.',
    ],
    ['a model that is not there', [base, marv], { model: 'huge' }, 'The server has no model "huge".', 'It serves: tiny, marv.'],
    ['two bases', [base, { ...base, id: 'other' }], {}, 'The server serves several models, and none was named.', 'Choose one of: tiny, other.'],
  ])('never guesses: %s', (_case, models, wanted, message, hint) => {
    expect(() => pickModel(models, wanted)).toThrow(expect.objectContaining({ message, hints: [hint], exitCode: 2 }));
  });
});
