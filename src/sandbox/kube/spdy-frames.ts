import { constants, createInflate, type Inflate } from 'node:zlib';

/**
 * The frames of SPDY/3.1 that port-forwarding uses: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/.
 * Kubernetes has outlived the protocol: kubectl still speaks it, by itself or inside a WebSocket.
 */
export type Frame =
  | { type: 'open'; streamId: number; isLast: boolean; headers: ReadonlyMap<string, string> }
  | { type: 'data'; streamId: number; isLast: boolean; data: Buffer }
  | { type: 'reset'; streamId: number }
  | { type: 'ping'; id: number }
  | { type: 'goAway' }
  | { type: 'other' };

const frameTypes = { open: 1, reply: 2, reset: 3, ping: 6, goAway: 7 } as const;
const headerLength = 8;
const finFlag = 0x01;
const version = 0x8003;
/** More than any frame of kubectl's, which writes 32 KiB at a time. */
const longestFrameBytes = 2 ** 24 - 1;

/** Reads frames as the bytes come. Headers share one compression context, so that they are read strictly in order. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const inflater = createHeaderInflater();
  let pending: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of source) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let offset = 0;
      while (pending.length - offset >= headerLength) {
        const length = pending.readUInt32BE(offset + 4) & longestFrameBytes;
        const end = offset + headerLength + length;
        if (pending.length < end) break;
        yield await parseFrame(pending.subarray(offset, end), inflater.inflate);
        offset = end;
      }
      pending = pending.subarray(offset);
    }
  } finally {
    inflater.close();
  }
}

const parseFrame = async (frame: Buffer, inflate: (block: Buffer) => Promise<Buffer>): Promise<Frame> => {
  const word = frame.readUInt32BE(0);
  const isLast = (frame.readUInt8(4) & finFlag) !== 0;
  const payload = frame.subarray(headerLength);
  if (word < 0x80000000) return { type: 'data', streamId: word, isLast, data: payload };
  switch (word & 0xffff) {
    case frameTypes.open: {
      // Stream, associated stream, priority and slot come before the headers.
      const headers = parseHeaders(await inflate(payload.subarray(10)));
      return { type: 'open', streamId: payload.readUInt32BE(0), isLast, headers };
    }
    case frameTypes.reset:
      return { type: 'reset', streamId: payload.readUInt32BE(0) };
    case frameTypes.ping:
      return { type: 'ping', id: payload.readUInt32BE(0) };
    case frameTypes.goAway:
      return { type: 'goAway' };
    default:
      return { type: 'other' };
  }
};

export const dataFrame = (streamId: number, data: Buffer, isLast = false): Buffer => {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32BE(streamId, 0);
  header.writeUInt32BE(data.length, 4);
  header.writeUInt8(isLast ? finFlag : 0, 4);
  return Buffer.concat([header, data]);
};

export const pingFrame = (id: number): Buffer => controlFrame(frameTypes.ping, words(id));

/** The status is CANCEL, the only one that says nothing is wrong with the other side. */
export const resetFrame = (streamId: number): Buffer => controlFrame(frameTypes.reset, words(streamId, 5));

/**
 * Accepts streams. The headers are none, and stored without compressing: a decompressor takes that too. An empty block
 * ends each, as a flush would; kubectl's decompressor hands out nothing before it.
 */
export const createReplies = (): ((streamId: number) => Buffer) => {
  let hasHeader = false;
  return (streamId) => {
    const zlibHeader = hasHeader ? Buffer.alloc(0) : Buffer.from([0x78, 0x01]);
    hasHeader = true;
    const noHeaders = words(0);
    return controlFrame(frameTypes.reply, Buffer.concat([words(streamId), zlibHeader, storedBlock(noHeaders), storedBlock(Buffer.alloc(0))]));
  };
};

/** A length and its complement, then the bytes as they are (RFC 1951, 3.2.4); here never more than 255. */
const storedBlock = (bytes: Buffer): Buffer => Buffer.from([0x00, bytes.length, 0x00, 0xff - bytes.length, 0xff, ...bytes]);

const controlFrame = (type: number, payload: Buffer): Buffer => {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(version, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

/** A number of pairs, then each name and value after its length. */
const parseHeaders = (block: Buffer): ReadonlyMap<string, string> => {
  let offset = 4;
  const next = (): string => {
    const length = block.readUInt32BE(offset);
    const text = block.toString('utf8', offset + 4, offset + 4 + length);
    offset += 4 + length;
    return text;
  };
  return new Map(Array.from({ length: block.readUInt32BE(0) }, (): [string, string] => [next().toLowerCase(), next()]));
};

const createHeaderInflater = () => {
  const stream: Inflate = createInflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });
  // A block that is not zlib's fails the write below, and with it the connection.
  stream.on('error', () => {});
  return {
    inflate: (block: Buffer): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        stream.write(block, (error) => {
          const inflated: unknown = stream.read();
          if (error) reject(error);
          else resolve(Buffer.isBuffer(inflated) ? inflated : Buffer.alloc(0));
        });
      }),
    close: () => stream.destroy(),
  };
};

/** Words that both sides know before they begin: each after its length, then a tail of values run together (draft 3.1, 2.6.10.1). */
const dictionaryWords =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length content-location ' +
  'content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
  'if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer ' +
  'retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status';

const dictionaryTail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found' +
  '500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public' +
  'privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

const headerDictionary = Buffer.concat([
  ...[...dictionaryWords.split(' '), '200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'].map((word) =>
    Buffer.concat([words(word.length), Buffer.from(word)]),
  ),
  Buffer.from(dictionaryTail),
]);
