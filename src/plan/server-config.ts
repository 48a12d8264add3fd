import { isScalar, parseDocument } from 'yaml';

export const serverConfigKey = 'inference_config.yaml';

/**
 * The context length that a configuration gives the server, read as the server's wrapper reads it; undefined where it gives
 * none, and the server takes what fits. Texts that are wrong are judged elsewhere.
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/inference/vllm/inference_api.py#L134
 */
export const contextLengthIn = (text: string): number | undefined => {
  const [first = ''] = text.split(/^---(?:\s|$)/m).filter((part) => part.trim() !== '');
  const value: unknown = parseDocument(first, { version: '1.1', uniqueKeys: false, logLevel: 'silent' }).getIn(['vllm', 'max-model-len'], true);
  // As it was typed: `010000` is ten thousand.
  const tokens = isScalar(value) ? Number(/^\+?(\d+)$/.exec(value.source ?? String(value.value))?.[1] ?? 0) : 0;
  return tokens > 0 ? tokens : undefined;
};
