import type { OutputFormat } from '../domain/output-format.ts';
import { github } from './github.ts';
import { json, yaml } from './json.ts';
import { ndjson } from './ndjson.ts';
import type { Output, OutputTarget } from './output.ts';
import { text } from './text.ts';

export const outputs = {
  text,
  wide: (target) => text(target, { wide: true }),
  json,
  yaml,
  ndjson,
  github,
} satisfies Record<OutputFormat, (target: OutputTarget) => Output>;
