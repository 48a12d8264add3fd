import { existsSync, globSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { streamChat } from '../../src/chat/client.ts';
import { dialects } from '../../src/chat/dialect.ts';
import { KaitoError } from '../../src/domain/errors.ts';

const folder = fileURLToPath(new URL('../../../shared/data/runtime-observed/http', import.meta.url));

const separator = Buffer.from('<<< RESPONSE (verbatim bytes)\n');

/** The bytes that the real server sent. */
const readResponse = (file: string): Buffer => {
  const recording = readFileSync(file);
  return recording.subarray(recording.indexOf(separator) + separator.length, recording.lastIndexOf('--- read() calls'));
};

const isAnsweredQuestion = (file: string): boolean => {
  const text = readFileSync(file, 'utf8');
  return text.startsWith('>>> REQUEST\nPOST /v1/chat/completions') && /\r?\nHTTP\/1\.1 \d+/.test(text) && (/"stream": true/.test(text) || !/HTTP\/1\.1 200/.test(text));
};

const files = existsSync(folder) ? globSync(`${folder}/*/*.txt`).filter(isAnsweredQuestion).sort() : [];

/** A server that says those bytes to every request, and closes. */
const replay = async (response: Buffer): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return `http://127.0.0.1:${address.port}`;
};

describe.skipIf(files.length === 0)('answers recorded from the real servers (need ../shared/data/runtime-observed)', () => {
  it('are there in number', () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(files.map((file) => ({ name: `${basename(dirname(file))}/${basename(file)}`, file })))('$name is an answer that ends, or an error that explains itself', async ({ name, file }) => {
    const baseUrl = await replay(readResponse(file));
    const request = { baseUrl, model: 'tiny', messages: [], parameters: {}, maxTokens: 32, dialect: dialects[name.startsWith('vllm') ? 'vllm' : 'transformers'], signal: new AbortController().signal };
    const outcome = await Array.fromAsync(streamChat(request)).catch((error: unknown) => error);
    if (Array.isArray(outcome)) expect(outcome).toContainEqual({ type: 'finish', reason: expect.stringMatching(/^(stop|length)$/) });
    else expect(outcome).toSatisfy((error) => error instanceof KaitoError && error.fact !== undefined && error.fact.length > 5);
  });
});
