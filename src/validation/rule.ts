import type { Path, RuleSource, Severity } from './problem.ts';
import type { Subject } from './subject.ts';

/** A rule is data and a pure function. */
export interface Rule {
  code: string;
  source: RuleSource;
  severity: Severity;
  /** Whether it is asked of a new Workspace, of one that replaces a stored one, or of both. */
  on: 'create' | 'update' | 'always';
  /**
   * What of KAITO answers: the API server from the CRD, the decoder in front of the webhook, the webhook, or a crash of the
   * webhook, which refuses as well. Rules of our own need none.
   */
  stage?: Stage;
  /** KAITO has it for v1beta1 only; of older documents it is then our rule, for they are converted. */
  isNewInV1beta1?: true;
  /** Whether KAITO comes as far as to ask; where it has refused before, the rule is ours. */
  isReached?(subject: Subject): boolean;
  /** Concerns the operator alone: what this program runs by itself does not meet it. */
  isForOperatorOnly?: true;
  /** File and line in KAITO at the commit, or the address of another proof. */
  upstream?: string;
  check(subject: Subject): Finding[];
}

export type Stage = 'schema' | 'decode' | 'webhook' | 'panic';

export interface Finding {
  path: Path;
  message: string;
  /** KAITO's spelling of the path, which it puts behind the message. */
  fieldPaths?: readonly string[];
  /** KAITO tells it as part of another error, about this path. */
  within?: string;
  fix: string;
}

/** The three shapes that KAITO's errors have: https://github.com/kaito-project/kaito/blob/056b8280/pkg/apis/fielderror.go#L33 */
export const invalidValue = (value: string, ...fieldPaths: string[]): Pick<Finding, 'message' | 'fieldPaths'> => ({ message: `invalid value: ${value}`, fieldPaths });
export const missingField = (...fieldPaths: string[]): Pick<Finding, 'message' | 'fieldPaths'> => ({ message: 'missing field(s)', fieldPaths });
export const generic = (message: string, ...fieldPaths: string[]): Pick<Finding, 'message' | 'fieldPaths'> => ({ message, fieldPaths });

/** What KAITO lets through, and this program does not. */
export const own = (code: string, severity: Severity, upstream: string, check: Rule['check']): Rule => ({ code, source: 'kaito-ts', severity, on: 'always', upstream, check });

/** As KAITO prints it. */
export const findingText = ({ message, fieldPaths, within }: Finding): string => {
  const text = fieldPaths ? `${message}: ${fieldPaths.join(', ')}` : message;
  return within === undefined ? text : `${configError}${text}: ${within}`;
};

/** What KAITO writes in front of everything that is wrong with a tuning's ConfigMap. */
export const configError = 'Failed to evaluate validateConfigMap: ';

const commit = 'https://github.com/kaito-project/kaito/blob/056b8280/';

export const linkOf = (upstream: string): string => (/^https?:/.test(upstream) ? upstream : `${commit}${upstream}`);
