import * as z from 'zod';
import type { ContainerFiles } from './program.ts';

/** In the image, the weights' folder of each runtime is a link to this one. */
const sharedFolder = '/workspace/weights';
const linkedFolders = /^\/workspace\/(?:tfs|vllm)\/weights(?=\/|$)/;

const withoutLinks = (path: string): string => path.replace(linkedFolders, sharedFolder).replace(/\/$/, '');

/** Whether anything lies in a model's folder; a volume may be mounted at the link or at its target. */
export const hasWeights = (files: ContainerFiles, path: string): boolean =>
  files.list(path).length > 0 || files.list(withoutLinks(path)).length > 0;

const modelConfig = z.object({
  model_type: z.string().optional(),
  hidden_size: z.int().positive().optional(),
  intermediate_size: z.int().positive().optional(),
  num_hidden_layers: z.int().positive().optional(),
  num_attention_heads: z.int().positive().optional(),
  num_key_value_heads: z.int().positive().optional(),
  vocab_size: z.int().positive().optional(),
});

export type ModelConfig = z.infer<typeof modelConfig>;

/** The model's `config.json`; undefined where there is none to understand. */
export const readModelConfig = (files: ContainerFiles, path: string): ModelConfig | undefined => {
  const content = files.read(`${path}/config.json`) ?? files.read(`${withoutLinks(path)}/config.json`);
  if (!content) return undefined;
  try {
    return modelConfig.parse(JSON.parse(content.toString('utf8')));
  } catch {
    return undefined;
  }
};
