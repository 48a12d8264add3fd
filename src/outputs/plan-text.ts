import { stepWrites, type Check, type Plan } from '../domain/plan.ts';
import type { Chalk } from './style.ts';
import { wrapLines, type Line } from './wrap.ts';

/**
 * The plan as a person reads it: what was decided and why, what was checked, what it costs, what will be done. For a
 * terminal that is so wide its lines are broken at words; for a pipe they are left whole.
 */
export const renderPlan = async (plan: Plan, style: Chalk, columns?: number): Promise<string> => {
  const { name } = plan.workspace.metadata;
  const { context, namespace } = plan.target;
  const lines: Line[] = [
    { head: '', body: style.bold(`Plan: ${plan.command} ${name} in namespace ${namespace} of ${context}`) },
    ...plan.choices.map(({ what, value, why }) => labelled(plan, what, `${value}${why === '' ? '' : style.dim(`  (${why})`)}`)),
    ...renderCost(plan, style),
    ...(plan.checks.length > 0 ? [empty, { head: '', body: style.bold('Checked') }, ...plan.checks.map((check) => ({ ...verdictHead(check, style), body: `${check.what}: ${check.fact}` }))] : []),
    ...(plan.steps.length > 0 ? [empty, { head: '', body: style.bold('Steps') }, ...plan.steps.map((step, index) => ({ head: `  ${String(index + 1).padStart(2)} `, body: `${step.title}${stepWrites(step) ? '' : style.dim('  (only waits)')}` }))] : []),
    ...plan.warnings.map((warning) => ({ head: 'warning: ', color: style.yellow, body: warning })),
  ];
  return `${await wrapLines(lines, columns)}\n`;
};

const empty: Line = { head: '', body: '' };

const labelled = (plan: Plan, what: string, body: string): Line => ({ head: `  ${what.padEnd(Math.max(4, ...plan.choices.map((choice) => choice.what.length)))}  `, body });

const renderCost = (plan: Plan, style: Chalk): Line[] => {
  if (!plan.cost) return plan.steps.some(({ kind }) => kind === 'create-agent-pool') ? [labelled(plan, 'cost', `unknown${style.dim('  (no list price is known for this size and region)')}`)] : [];
  const { perHourUsd, limitUsd, source } = plan.cost;
  const limit = limitUsd === undefined ? 'until you delete it' : `at most $${limitUsd.toFixed(2)}`;
  return [labelled(plan, 'cost', `$${perHourUsd.toFixed(2)} an hour, ${limit}${style.dim(`  (${source})`)}`)];
};

const verdictHead = ({ verdict }: Check, style: Chalk): Omit<Line, 'body'> => {
  if (verdict === 'passed') return { head: '  ✓ ', color: style.green };
  return verdict === 'refused' ? { head: '  ✗ ', color: style.red } : { head: '  ? ', color: style.yellow };
};
