import type { NodeFacts } from '../domain/facts.ts';
import type { Preset } from '../domain/preset.ts';
import type { SourceDocument } from './documents.ts';
import { createFacts, type JudgementFacts } from './facts.ts';
import { isJudged } from './judge.ts';
import type { JsonMap } from './json.ts';
import { toNodeFacts } from './node-facts.ts';

/** What lies beside the Workspaces in the same files. Looked through once, however many Workspaces there are. */
export interface Surroundings {
  objects: readonly JsonMap[];
  nodes: readonly NodeFacts[];
  /** `namespace` is that of objects that name none. */
  facts(presets: readonly Preset[], namespace: string): JudgementFacts;
}

export const surroundingsOf = (documents: readonly SourceDocument[]): Surroundings => {
  const objects = documents.flatMap((document) => (document.content && !isJudged(document) ? [document.content] : []));
  let known: { presets: readonly Preset[]; namespace: string; facts: JudgementFacts } | undefined;
  return {
    objects,
    nodes: toNodeFacts(objects),
    facts(presets, namespace) {
      if (known?.presets !== presets || known.namespace !== namespace) known = { presets, namespace, facts: createFacts({ presets, objects, namespace }) };
      return known.facts;
    },
  };
};
