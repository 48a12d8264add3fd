/** What a repository of the hub says about a model at one commit, before any rule is applied: this is what is kept on disk. */
export interface ModelFacts {
  /** In canonical case. */
  id: string;
  /** 40 hexadecimal digits. */
  commit: string;
  license: string;
  /** Its files are given only to a token: the licence must be accepted, or the repository is private. */
  gated: boolean;
  /** The files that may be weights. */
  files: RepositoryFile[];
  /** Content of `config.json`, or of Mistral's `params.json`. */
  config: Config;
}

export interface RepositoryFile {
  path: string;
  sizeBytes: number;
}

export type Config = Readonly<Record<string, unknown>>;

export interface Weights {
  sizeBytes: number;
  /** In Mistral's own format, with its own configuration and tokenizer. */
  isMistralFormat: boolean;
}

/**
 * Mistral's consolidated files where there are any, else safetensors, else PyTorch's `.bin`; undefined where there is none
 * of these. As in KAITO everything counts that has the ending somewhere in its path, an index beside the files too.
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/generator/generator.go#L418
 */
export const chooseWeights = (files: readonly RepositoryFile[]): Weights | undefined => {
  for (const pattern of weightPatterns) {
    const chosen = files.filter(({ path }) => pattern.test(path));
    if (chosen.length > 0) return { sizeBytes: chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), isMistralFormat: pattern === consolidated };
  }
  return undefined;
};

export const mayBeWeights = ({ path }: RepositoryFile): boolean => weightPatterns.some((pattern) => pattern.test(path));

const consolidated = /consolidated.*\.safetensors/;
const weightPatterns = [consolidated, /\.safetensors/, /\.bin/];
