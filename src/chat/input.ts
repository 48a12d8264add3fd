/** Lines that belong together: a block between two `"""`, or a line and those that a `\` at its end ties to it. */
export interface PendingInput {
  lines: readonly string[];
  isBlock: boolean;
}

export const noInput: PendingInput = { lines: [], isBlock: false };

/** `text` is there when the line completes something to say or do. */
export const addLine = (pending: PendingInput, line: string): { pending: PendingInput; text?: string } => {
  if (pending.isBlock) {
    const end = line.indexOf(fence);
    if (end === -1) return { pending: { isBlock: true, lines: [...pending.lines, line] } };
    return complete([...pending.lines, line.slice(0, end)]);
  }
  const start = line.trimStart();
  if (pending.lines.length === 0 && start.startsWith(fence)) {
    const rest = start.slice(fence.length);
    const end = rest.indexOf(fence);
    return end === -1 ? { pending: { isBlock: true, lines: rest === '' ? [] : [rest] } } : complete([rest.slice(0, end)]);
  }
  if (line.endsWith('\\')) return { pending: { isBlock: false, lines: [...pending.lines, line.slice(0, -1)] } };
  return complete([...pending.lines, line]);
};

const fence = '"""';

const complete = (lines: string[]): { pending: PendingInput; text: string } => ({ pending: noInput, text: lines.join('\n').trimEnd() });
