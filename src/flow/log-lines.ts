/** Reads a log with timestamps over several connections, each of which tells the end of the one before again. */
export interface LogLines {
  /** A new connection: what it tells again is passed over. */
  begin(): void;
  /** What is new in this piece, without the timestamps. */
  read(piece: string): string;
  /** From when on a new connection must tell, so that nothing is lost; undefined before the first line. */
  since(): string | undefined;
}

/**
 * The kubelet tells from a full second on, and a file may hold a line of the one stream before an earlier one of the other:
 * so lines are known again by their time, which has nanoseconds, and those of two seconds are remembered.
 */
export const createLogLines = (): LogLines => {
  /** How many lines of that time were read to their end. */
  const known = new Map<string, number>();
  /** Those that this connection has not told again yet. */
  let expected = new Map<string, number>();
  /** A line in the middle of which the connection broke. */
  let broken: Line | undefined;
  let line: Line | undefined;
  let rest = '';
  let latestSecond = Number.NEGATIVE_INFINITY;

  const remember = (time: string): void => {
    known.set(time, (known.get(time) ?? 0) + 1);
    const second = secondOf(time);
    if (second <= latestSecond) return;
    latestSecond = second;
    for (const other of known.keys()) if (secondOf(other) < second - 1) known.delete(other);
  };

  const open = (time: string): Line => {
    const count = expected.get(time) ?? 0;
    if (count > 0) {
      expected.set(time, count - 1);
      return { time, length: 0, passedOver: Number.POSITIVE_INFINITY };
    }
    return { time, length: 0, passedOver: broken?.time === time ? broken.length : 0 };
  };

  return {
    begin() {
      if (line && line.passedOver !== Number.POSITIVE_INFINITY) broken = { ...line, length: Math.max(line.length, line.passedOver) };
      line = undefined;
      rest = '';
      expected = new Map(known);
    },
    read(piece) {
      let fresh = '';
      rest += piece;
      while (rest !== '') {
        if (!line) {
          const head = /^(\S+) /.exec(rest);
          // The timestamp itself may come in pieces.
          if (!head && rest.length < longestTimestamp && !rest.includes('\n')) break;
          const time = head?.[1] !== undefined && !Number.isNaN(Date.parse(head[1])) ? head[1] : '';
          rest = time === '' ? rest : rest.slice(time.length + 1);
          line = time === '' ? { time, length: 0, passedOver: 0 } : open(time);
          if (broken && line.passedOver !== Number.POSITIVE_INFINITY) {
            // Its end is lost with the file in which it was.
            if (line.passedOver === 0 && broken.length > 0) fresh += '\n';
            broken = undefined;
          }
        }
        const end = rest.indexOf('\n');
        const text = end === -1 ? rest : rest.slice(0, end);
        const { passedOver, time } = line;
        fresh += text.slice(Math.max(0, passedOver - line.length));
        line.length += text.length;
        rest = end === -1 ? '' : rest.slice(end + 1);
        if (end === -1) break;
        line = undefined;
        if (passedOver === Number.POSITIVE_INFINITY) continue;
        fresh += '\n';
        if (time !== '') remember(time);
      }
      return fresh;
    },
    since: () => (latestSecond === Number.NEGATIVE_INFINITY ? undefined : new Date((latestSecond - 1) * 1000).toISOString().replace('.000', '')),
  };
};

interface Line {
  time: string;
  /** Of what was read of it so far. */
  length: number;
  /** So much of its beginning was told before. */
  passedOver: number;
}

/** RFC 3339 with nanoseconds. */
const longestTimestamp = 40;

const secondOf = (time: string): number => Math.floor(Date.parse(time) / 1000);
