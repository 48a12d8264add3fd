import { stepWrites, type Check, type Plan } from '../domain/plan.ts';
import type { Chalk } from './style.ts';

/** The plan as a person reads it: what was decided and why, what was checked, what it costs, what will be done. */
export const renderPlan = (plan: Plan, style: Chalk): string => {
  const { name } = plan.workspace.metadata;
  const { context, namespace } = plan.target;
  return [
    style.bold(`Plan: ${plan.command} ${name} in namespace ${namespace} of ${context}`),
    ...plan.choices.map(({ what, value, why }) => `  ${what.padEnd(labelWidth(plan))}  ${value}${why === '' ? '' : style.dim(`  (${why})`)}`),
    ...renderCost(plan, style),
    ...(plan.checks.length > 0 ? ['', style.bold('Checked'), ...plan.checks.map((check) => `  ${renderVerdict(check, style)} ${check.what}: ${check.fact}`)] : []),
    ...(plan.steps.length > 0 ? ['', style.bold('Steps'), ...plan.steps.map((step, index) => `  ${String(index + 1).padStart(2)} ${step.title}${stepWrites(step) ? '' : style.dim('  (only waits)')}`)] : []),
    ...plan.warnings.map((warning) => `${style.yellow('warning:')} ${warning}`),
    '',
  ].join('\n');
};

const labelWidth = (plan: Plan): number => Math.max(4, ...plan.choices.map(({ what }) => what.length));

const renderCost = (plan: Plan, style: Chalk): string[] => {
  const label = 'cost'.padEnd(labelWidth(plan));
  if (!plan.cost) return plan.steps.some(({ kind }) => kind === 'create-agent-pool') ? [`  ${label}  unknown${style.dim('  (no list price is known for this size and region)')}`] : [];
  const { perHourUsd, limitUsd, source } = plan.cost;
  const limit = limitUsd === undefined ? 'until you delete it' : `at most $${limitUsd.toFixed(2)}`;
  return [`  ${label}  $${perHourUsd.toFixed(2)} an hour, ${limit}${style.dim(`  (${source})`)}`];
};

const renderVerdict = ({ verdict }: Check, style: Chalk): string => {
  if (verdict === 'passed') return style.green('✓');
  return verdict === 'refused' ? style.red('✗') : style.yellow('?');
};
