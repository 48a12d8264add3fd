import { reprOf, type PythonValue } from './model-python.ts';

/** An error answer of vLLM: `{"error": {message, type, param, code}}` with the code repeated as the status. */
export class VllmRefusal extends Error {
  override name = 'VllmRefusal';
  readonly status: number;
  readonly type: string;
  readonly param: string | null;

  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
  }

  get body(): unknown {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.status } };
  }
}

export const badRequest = (message: string, param: string | null = null): VllmRefusal =>
  new VllmRefusal(400, 'BadRequestError', message, param);

/** A value that vLLM's own checks name: the reason, and which parameter had which value. */
export const badParameter = (message: string, parameter: string, value: PythonValue): VllmRefusal =>
  badRequest(`${message} (parameter=${parameter}, value=${reprOf(value)})`, parameter);

export const unknownModel = (model: string): VllmRefusal =>
  new VllmRefusal(404, 'NotFoundError', `The model \`${model}\` does not exist.`, 'model');

interface SchemaProblem {
  type: string;
  location: readonly (string | number)[];
  message: string;
  input: PythonValue;
  /** The `ctx` entry, already as Python writes it. */
  context?: string;
  param?: string;
}

/** A request that does not fit the schema: pydantic's list of problems and a traceback, in one message. */
export const schemaRefusal = (endpoint: { path: string; handler: string }, problem: SchemaProblem): VllmRefusal => {
  const location = problem.location.map((part) => (typeof part === 'string' ? `'${part}'` : String(part)));
  const tuple = location.length === 1 ? `(${location[0] ?? ''},)` : `(${location.join(', ')})`;
  const context = problem.context === undefined ? '' : `, 'ctx': {'error': ${problem.context}}`;
  const text = `{'type': '${problem.type}', 'loc': ${tuple}, 'msg': ${reprOf(problem.message)}, 'input': ${reprOf(problem.input)}${context}}`;
  const file = '/usr/local/lib/python3.12/dist-packages/vllm/entrypoints/serve/utils/api_utils.py';
  return new VllmRefusal(
    400,
    'Bad Request',
    `1 validation error:\n  ${text}\n\n  File "${file}", line 40, in ${endpoint.handler}\n    POST ${endpoint.path} [${text}]`,
    problem.param ?? problem.location.join('.'),
  );
};

/** The whole prompt is not counted: only that it does not fit beside what was asked for. */
export const overlongPrompt = (lengthTokens: number, outputTokens: number): VllmRefusal => {
  const inputTokens = lengthTokens - outputTokens + 1;
  return badParameter(
    `This model's maximum context length is ${lengthTokens} tokens. However, you requested ${outputTokens} output tokens and your prompt contains at least ${inputTokens} input tokens, for a total of at least ${lengthTokens + 1} tokens. Please reduce the length of the input prompt or the number of requested output tokens.`,
    'input_tokens',
    BigInt(inputTokens),
  );
};
