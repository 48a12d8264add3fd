import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../support/project.ts';

/** A request to one of the real servers, and its answer. */
export interface RecordedRequest {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  answer: Answer;
}

export interface Answer {
  status: number;
  contentType: string;
  body: string;
}

export const readRecordedRequests = (server: string): RecordedRequest[] => {
  const folder = join(dataFolder, 'runtime-observed', 'http', server);
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
      const [asked = '', rest = ''] = text.replace('>>> REQUEST\n', '').split('<<< RESPONSE (verbatim bytes)\n');
      const answered = rest.split('\n--- read() calls:')[0] ?? '';
      if (!answered.startsWith('HTTP/')) return [];
      const request = splitMessage(asked);
      const [method = '', path = ''] = request.first.split(' ');
      const answer = splitMessage(answered);
      const isChunked = answer.headers['transfer-encoding'] === 'chunked';
      return [
        {
          name: file.replace('.txt', ''),
          method,
          path,
          headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => ['content-type', 'authorization'].includes(name))),
          body: request.body.trimEnd(),
          answer: { status: Number(answer.first.split(' ')[1]), contentType: answer.headers['content-type'] ?? '', body: isChunked ? withoutChunks(answer.body) : answer.body.trimEnd() },
        },
      ];
    });
};

const splitMessage = (text: string): { first: string; headers: Record<string, string>; body: string } => {
  const [head = '', ...body] = text.split('\n\n');
  const [first = '', ...headers] = head.split('\n');
  const entries = headers.map((line): [string, string] => {
    const [name = '', ...value] = line.split(':');
    return [name.toLowerCase(), value.join(':').trim()];
  });
  return { first, headers: Object.fromEntries(entries), body: body.join('\n\n') };
};

/** The events alone: sizes of chunks stand on lines of their own. */
const withoutChunks = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => `${line}\n\n`)
    .join('');

/** Without what differs from answer to answer: ids, times, counts of tokens, and where a text was cut into them. */
export const comparableAnswer = ({ status, contentType, body }: Answer): unknown => ({
  status,
  contentType,
  body: body.startsWith('data: ') ? comparableEvents(body) : comparableJson(body),
});

const masked = new Set(['id', 'created', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'system_fingerprint']);

const mask = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked.has(name) && inner !== 'tiny' && inner !== 'marv' ? '*' : mask(inner)]));
};

const comparableJson = (body: string): unknown => {
  try {
    return mask(JSON.parse(body));
  } catch {
    return body.trim();
  }
};

/** Events that only bring another piece of the text become one, with all of it. */
const comparableEvents = (body: string): unknown[] => {
  const out: unknown[] = [];
  let text = '';
  for (const line of body.split('\n').filter((each) => each.startsWith('data: '))) {
    const event = line.slice('data: '.length);
    if (event === '[DONE]') {
      out.push(event);
      continue;
    }
    const parsed = JSON.parse(event) as { choices?: { delta?: { content?: string; role?: string }; text?: string; finish_reason?: string | null }[] };
    const [choice] = parsed.choices ?? [];
    const piece = choice?.delta?.content ?? choice?.text;
    if (piece !== undefined && !choice?.delta?.role && !choice?.finish_reason) {
      text += piece;
      if (choice?.delta) choice.delta.content = '*';
      if (choice?.text !== undefined) choice.text = '*';
      const shown = JSON.stringify(mask(parsed));
      if (JSON.stringify(out.at(-1)) !== shown) out.push(JSON.parse(shown));
    } else out.push(mask(parsed));
  }
  return [...out, { text }];
};
