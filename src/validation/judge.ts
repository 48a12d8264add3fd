import type { Place, SourceDocument } from './documents.ts';
import type { Environment } from './environment.ts';
import { evaluate, type Broken } from './evaluate.ts';
import type { JudgementFacts } from './facts.ts';
import { isMap, text, type JsonMap } from './json.ts';
import { showPath, type Problem, type Verdict } from './problem.ts';
import { findingText, linkOf } from './rule.ts';

/** Workspaces, and what cannot be read; everything else in the files is facts. */
export const isJudged = ({ content }: SourceDocument): boolean => content === undefined || /^workspace$/i.test(text(content['kind'])) && text(content['apiVersion']).startsWith('kaito.sh/');

/** Name and namespace, for those who look for the stored one of the same. */
export const identityOf = (content: JsonMap, { namespace }: Environment): { name: string; namespace: string } => {
  const metadata = isMap(content['metadata']) ? content['metadata'] : {};
  return { name: text(metadata['name']), namespace: text(metadata['namespace']) || namespace };
};

/**
 * Judges one document, with everything that is wrong with it at once and in its order. `stored` is the Workspace that it
 * would replace. Never throws, whatever the document holds.
 */
export const judge = (document: SourceDocument, environment: Environment, facts: JudgementFacts, stored?: JsonMap): Verdict => {
  const { source, index, content, broken, locate } = document;
  if (!content) return { source, index, verdict: 'invalid', problems: [...broken] };
  const problems = evaluate(content, environment, facts, stored)
    .map((broken) => toProblem(broken, locate(broken.finding.path)))
    .sort((left, right) => left.line - right.line || left.column - right.column);
  const { name, namespace } = identityOf(content, environment);
  return { source, index, ...(name === '' ? {} : { name }), namespace, verdict: problems.some(({ severity }) => severity === 'error') ? 'invalid' : 'valid', problems };
};

const toProblem = ({ rule, source, finding }: Broken, place: Place): Problem => ({
  code: rule.code,
  severity: rule.severity,
  path: showPath(finding.path),
  ...place,
  message: rule.stage === 'decode' ? `decoding request failed: cannot decode incoming new object: ${finding.message}` : findingText(finding).replace(/: $/, ''),
  fix: finding.fix,
  source,
  ...(rule.upstream === undefined ? {} : { link: linkOf(rule.upstream) }),
});
