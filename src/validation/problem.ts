/** The way to a value in a document: `['tuning', 'input', 'urls', 0]`. */
export type Path = readonly (string | number)[];

export type Severity = 'error' | 'warning';

/** Whose rule it is: the API server and webhook of KAITO's operator, or this program. */
export type RuleSource = 'kaito' | 'kaito-ts';

/** One thing that is wrong or doubtful, with its place. */
export interface Problem {
  /** A word to branch on, such as `instance-type-unknown`. */
  code: string;
  severity: Severity;
  /** `tuning.input.urls[0]`; empty for the whole document. */
  path: string;
  /** Both from 1. */
  line: number;
  column: number;
  /** In KAITO's own words where KAITO has the rule. */
  message: string;
  /** What to write instead. */
  fix: string;
  source: RuleSource;
  /** Where the rule is in KAITO's code, or what shows why it is ours. */
  link?: string;
}

/** What is said of one document. */
export interface Verdict {
  /** The file it is in, or `-`. */
  source: string;
  /** Of the document in its file, from 0; empty documents do not count. */
  index: number;
  name?: string;
  namespace?: string;
  verdict: 'valid' | 'invalid';
  problems: Problem[];
}

export const showPath = (path: Path): string =>
  path.reduce<string>((shown, part) => (typeof part === 'number' ? `${shown}[${part}]` : /^[A-Za-z_][\w-]*$/.test(part) ? (shown === '' ? part : `${shown}.${part}`) : `${shown}[${JSON.stringify(part)}]`), '');
