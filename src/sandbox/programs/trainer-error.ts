/** An exception of the trainer: `argparse` for what argparse refuses, which is printed without a traceback. */
export class PythonError extends Error {
  override name = 'PythonError';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Where each kind of failure happens, for a traceback that a reader can place. */
const script = '/workspace/tfs/fine_tuning.py';

/** How the script ends: the traceback with the real reason last, or argparse's complaint. */
export const renderFailure = (error: PythonError): string =>
  error.type === 'argparse'
    ? `usage: fine_tuning.py [-h] ...\nfine_tuning.py: error: ${error.message}\n`
    : `Traceback (most recent call last):\n  File "${script}", line 144, in <module>\n${error.type}: ${error.message}\n`;
