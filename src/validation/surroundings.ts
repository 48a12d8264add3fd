import type { NodeFacts } from '../domain/facts.ts';
import type { Preset } from '../domain/preset.ts';
import type { SourceDocument } from './documents.ts';
import { createFacts, type JudgementFacts } from './facts.ts';
import { isJudged } from './judge.ts';
import { isMap, text, type JsonMap } from './json.ts';
import { toNodeFacts } from './node-facts.ts';

/** What lies beside the Workspaces in the same files. Looked through once, however many Workspaces there are. */
export interface Surroundings {
  /** Those of that name, in whatever namespace. */
  configMaps(name: string): readonly JsonMap[];
  nodes: readonly NodeFacts[];
  /** `namespace` is that of objects that name none. */
  facts(presets: readonly Preset[], namespace: string): JudgementFacts;
}

export const surroundingsOf = (documents: readonly SourceDocument[]): Surroundings => {
  const objects = documents.flatMap((document) => (document.content && !isJudged(document) ? [document.content] : []));
  let known: { presets: readonly Preset[]; namespace: string; facts: JudgementFacts } | undefined;
  const configMaps = Map.groupBy(
    objects.filter(({ kind }) => kind === 'ConfigMap'),
    ({ metadata }) => (isMap(metadata) ? text(metadata['name']) : ''),
  );
  return {
    configMaps: (name) => configMaps.get(name) ?? [],
    nodes: toNodeFacts(objects),
    facts(presets, namespace) {
      if (known?.presets !== presets || known.namespace !== namespace) known = { presets, namespace, facts: createFacts({ presets, objects, namespace }) };
      return known.facts;
    },
  };
};
