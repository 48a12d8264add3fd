import type { Rule } from '../rule.ts';
import { adapterRules } from './adapters.ts';
import { annotationRules, annotationUpdateRules } from './annotations.ts';
import { existingNodeRules } from './existing-nodes.ts';
import { inferenceConfigRules } from './inference-config.ts';
import { inferenceRules } from './inference.ts';
import { labelRules } from './labels.ts';
import { nameRules, topLevelRules } from './names.ts';
import { oldInferenceConfigRules } from './old-inference-config.ts';
import { referenceRules } from './references.ts';
import { resourceRules } from './resource.ts';
import { schemaRules } from './schema-rules.ts';
import { sizingRules } from './sizing.ts';
import { trainingConfigRules } from './training-config.ts';
import { trapRules } from './traps.ts';
import { tuningRules } from './tuning.ts';
import { updateRules } from './update.ts';

/** Every rule, in the order in which KAITO asks its own. */
export const rules: readonly Rule[] = [
  ...schemaRules,
  ...nameRules,
  ...labelRules,
  ...topLevelRules,
  ...annotationRules,
  ...resourceRules,
  ...existingNodeRules,
  ...inferenceRules,
  ...adapterRules,
  ...inferenceConfigRules,
  ...oldInferenceConfigRules,
  ...trainingConfigRules,
  ...tuningRules,
  ...updateRules,
  ...annotationUpdateRules,
  ...trapRules,
  ...sizingRules,
  ...referenceRules,
];
