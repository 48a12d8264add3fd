import { writeAnswer, writeJson, writeUnrouted, type ModelHandler, type ModelRequest } from './model-http.ts';
import { toTokens } from './model-text.ts';
import { answerRequest, type VllmEngine } from './vllm-answer.ts';
import { createVllmMetrics, metricsContentType } from './vllm-metrics.ts';
import { VllmRefusal } from './vllm-refusal.ts';
import { readChatRequest, readCompletionRequest } from './vllm-request.ts';
import { chatShape, completionShape, randomId } from './vllm-shape.ts';

type Route = Readonly<Partial<Record<'GET' | 'POST', ModelHandler>>>;

const version = '0.25.1';

/** vLLM's OpenAI server, once it is ready. */
export const createVllmApi = (engine: VllmEngine): ModelHandler => {
  const { settings, adapters } = engine;
  const metrics = createVllmMetrics(settings.servedNames[0] ?? settings.model);
  const createdSeconds = Math.floor(engine.clock.now().getTime() / 1000);
  const limits = {
    models: [...settings.servedNames, ...adapters.map(({ name }) => name)],
    maxModelLengthTokens: settings.maxModelLengthTokens,
  };
  const routes: Readonly<Record<string, Route>> = {
    '/health': { GET: empty },
    '/ping': { GET: empty, POST: empty },
    '/load': { GET: (_, response) => writeJson(response, 200, { server_load: 0 }) },
    '/version': { GET: (_, response) => writeJson(response, 200, { version }) },
    '/metrics': {
      GET: (_, response) => writeAnswer(response, { status: 200, contentType: metricsContentType, body: metrics.render() }),
    },
    '/v1/models': { GET: (_, response) => writeJson(response, 200, { object: 'list', data: modelList(engine, createdSeconds) }) },
    '/v1/chat/completions': {
      POST: (request, response) => answerRequest(engine, metrics, { request: readChatRequest(request, limits), response, shape: chatShape }),
    },
    '/v1/completions': {
      POST: (request, response) => answerRequest(engine, metrics, { request: readCompletionRequest(request, limits), response, shape: completionShape }),
    },
    '/tokenize': { POST: (request, response) => writeJson(response, 200, tokenize(request, limits.maxModelLengthTokens)) },
  };
  return async (request, response) => {
    if (isLockedOut(request, settings.apiKeys)) {
      writeJson(response, 401, { error: 'Unauthorized' });
      return;
    }
    const route = routes[request.path] ?? {};
    const answer = request.method === 'GET' || request.method === 'POST' ? route[request.method] : undefined;
    if (!answer) {
      writeUnrouted(response, Object.keys(route));
      return;
    }
    try {
      await answer(request, response);
    } catch (error) {
      if (!(error instanceof VllmRefusal)) throw error;
      writeJson(response, error.status, error.body);
    }
  };
};

const empty: ModelHandler = (_, response) => {
  writeAnswer(response, { status: 200 });
};

/** The key guards only what lies below /v1. */
const isLockedOut = ({ path, headers }: ModelRequest, apiKeys: readonly string[]): boolean =>
  apiKeys.length > 0 && path.startsWith('/v1') && !apiKeys.some((key) => headers.authorization === `Bearer ${key}`);

const modelList = ({ settings, adapters }: VllmEngine, created: number) => {
  const [base = settings.model] = settings.servedNames;
  const entry = (id: string, root: string, parent: string | null, length: number | null) => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root,
    parent,
    max_model_len: length,
    permission: [
      {
        id: `modelperm-${randomId()}`,
        object: 'model_permission',
        created,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  });
  return [
    ...settings.servedNames.map((name) => entry(name, settings.model, null, settings.maxModelLengthTokens)),
    ...adapters.map(({ name, path }) => entry(name, path, base, null)),
  ];
};

const tokenize = ({ body }: ModelRequest, maxModelLengthTokens: number) => {
  const fields: unknown = JSON.parse(body);
  const prompt = typeof fields === 'object' && fields !== null && 'prompt' in fields && typeof fields.prompt === 'string' ? fields.prompt : '';
  const tokens = toTokens(prompt).map((token) => [...Buffer.from(token)].reduce((hash, byte) => (hash * 31 + byte) % 32_000, 7));
  return { count: tokens.length, max_model_len: maxModelLengthTokens, tokens, token_strs: null };
};
