import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../../shared/data/runtime-observed');

/** Recordings of the real programs; tests that compare with them are skipped where they are absent. */
export const hasRecordings = existsSync(folder);

export const readRecording = (path: string): string => readFileSync(join(folder, path), 'utf8');

/** A recording of one JSON value a line. */
export const readLines = (path: string): unknown[] =>
  readRecording(path)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Line by line what has a form and no chance in it: numbers, times and bars are all the same. */
export const shapesOf = (text: string): string[] =>
  text
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replaceAll(/[█▏▎▍▌▋▊▉]+ */g, '#')
        .replaceAll(/\|(?: +|#)\|/g, '|#|')
        .replaceAll(/[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?/g, 'N')
        .replaceAll(/ +N/g, ' N')
        .trimEnd(),
    )
    .filter((line) => line.trim() !== '');

/** The response of an HTTP recording: its status line, headers, and body with chunk sizes taken out. */
export const readExchange = (path: string): { request: { method: string; path: string; headers: Record<string, string>; body: string }; status: number; headers: Record<string, string>; body: string } => {
  const [, requestText = '', responseText = ''] = /^>>> REQUEST\n([\s\S]*?)\n<<< RESPONSE \(verbatim bytes\)\n([\s\S]*?)\n--- read/.exec(readRecording(path).replaceAll('\r', '')) ?? [];
  const request = splitMessage(requestText);
  const response = splitMessage(responseText);
  const [method = '', target = ''] = request.first.split(' ');
  const isChunked = response.headers['transfer-encoding'] === 'chunked';
  const body = isChunked ? response.body.replaceAll(/^[0-9a-f]+$\n?/gm, '').replaceAll(/\n{2,}/g, '\n\n').trim() : response.body;
  return {
    request: { method, path: target, headers: request.headers, body: request.body },
    status: Number(response.first.split(' ')[1]),
    headers: response.headers,
    body,
  };
};

const splitMessage = (text: string): { first: string; headers: Record<string, string>; body: string } => {
  const [head = '', ...body] = text.split('\n\n');
  const [first = '', ...lines] = head.split('\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...value] = line.split(': ');
      return [name.toLowerCase(), value.join(': ')];
    }),
  );
  return { first, headers, body: body.join('\n\n') };
};

/** A JSON value with every scalar replaced by its type, so that two answers can be compared in form. */
export const typesOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(typesOf);
  if (value === null) return null;
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typesOf(item)]));
};

/** The events of a stream in form, each run of equal ones as one: how many tokens there are is no form. */
export const eventsOf = (body: string): unknown[] => {
  const shapes = body
    .split('\n\n')
    .filter((event) => event.trim() !== '')
    .map((event) => event.trim().replace(/^data: /, ''))
    .map((data) => (data.startsWith('{') ? JSON.stringify(typesOf(JSON.parse(data))) : data));
  return shapes.filter((shape, index) => shape !== shapes[index - 1]);
};
