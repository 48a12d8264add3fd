export { clouds, defaultEnvironment, nodeProvisioners, type Environment } from './environment.ts';
export { createFacts, factKinds, type FactKind, type JudgementFacts } from './facts.ts';
export { readWorkspaceFiles, type Readers } from './files.ts';
export { identityOf, isWorkspace, judge } from './judge.ts';
export type { Problem, Verdict } from './problem.ts';
