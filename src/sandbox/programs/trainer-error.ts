/** An exception of the trainer: `argparse` for what argparse refuses, which is printed without a traceback. */
export class PythonError extends Error {
  override name = 'PythonError';
  readonly type: string;
  /** The bar that was being drawn: tqdm closes it after the traceback, on a line of its own. */
  readonly bar: string | undefined;

  constructor(type: string, message: string, bar?: string) {
    super(message);
    this.type = type;
    this.bar = bar;
  }
}

const script = '/workspace/tfs/fine_tuning.py';

/** How the script ends: the traceback with the real reason last, or argparse's complaint. */
export const renderFailure = ({ type, message, bar }: PythonError): string => {
  if (type === 'argparse') return `usage: fine_tuning.py [-h] ...\nfine_tuning.py: error: ${message}\n`;
  const end = bar === undefined ? '' : `\r${bar}\n`;
  return `Traceback (most recent call last):\n  File "${script}", line 144, in <module>\n${type}: ${message}\n${end}`;
};
