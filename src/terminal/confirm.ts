import type { Readable, Writable } from 'node:stream';
import { InterruptedError, UsageError } from '../domain/errors.ts';
import type { ConfirmOptions } from './terminal.ts';

/** No is the answer of whoever only presses Enter: what is asked about usually costs money or deletes something. */
export const askForYes = async (question: string, options: ConfirmOptions & { isInteractive: boolean; input: Readable; output: Writable }): Promise<boolean> => {
  const { yesFlag, isInteractive, input, output, signal } = options;
  if (!isInteractive) {
    throw new UsageError(`Nobody can be asked here: ${question}`, {
      reason: 'ConfirmationRequired',
      fact: 'stdin and stderr are not both a terminal, or CI is set',
      hints: [`Pass ${yesFlag} to say yes beforehand.`],
    });
  }
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message: question, initialValue: false, input, output, ...(signal ? { signal } : {}) });
  if (!isCancel(answer)) return answer;
  signal?.throwIfAborted();
  throw new InterruptedError('SIGINT');
};
