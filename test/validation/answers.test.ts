import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPresets } from '../../src/manifests/files.ts';
import type { Environment } from '../../src/validation/environment.ts';
import { evaluate } from '../../src/validation/evaluate.ts';
import { createFacts, factKinds } from '../../src/validation/facts.ts';
import type { JsonMap } from '../../src/validation/json.ts';
import { dataFolder, projectFolder } from '../support/project.ts';
import { kaitoAnswer } from './kaito-text.ts';

const file = join(dataFolder, 'kaito-answers/validation.json');

interface Case {
  id: string;
  env: { cloud: Environment['cloud']; nodeProvisioner: Environment['nodeProvisioner']; featureGates: Record<string, boolean>; chartConfigMaps: boolean; releaseNamespace: string; objects: JsonMap[] };
  object: JsonMap;
  oldObject?: JsonMap;
  operation: 'CREATE' | 'UPDATE';
  result: { verdict: 'valid' | 'invalid' | 'panic'; stage?: string; schemaErrors?: string[]; metadataErrors?: string[]; prunedUnknownFields?: string[]; webhook: { error?: string } };
}

/** Where we answer otherwise on purpose, by the rule that does it; each must match exactly these cases. */
const verdictDifferences: Readonly<Record<string, { reason: string; cases: string[] }>> = {
  'volume-key': {
    reason: 'Documents of KAITO write `volume`, which the API server drops; we read it as `volumeSource` and warn.',
    cases: ['v1beta1/tuning-input/volume-wrong-key'],
  },
  'model-not-in-catalogue': {
    reason: 'KAITO asks Hugging Face for models outside its catalogue; we judge without the network, and warn.',
    cases: ['v1beta1/preset/name-tiiuae/falcon-7b', 'v1beta1/preset/name-example-org/unsupported-arch'],
  },
};

/** What we refuse on our own although KAITO takes it: it fails later, when the nodes are paid for. */
const ownRefusals: Readonly<Record<string, string>> = {
  'name-too-long': 'The pods of its StatefulSet cannot be made.',
  'name-starts-with-digit': 'Its Service cannot be made.',
  'instance-type-unsupported': 'The operator cannot size a machine that it does not know, and buys it all the same.',
  'slice-too-small': 'The weights fit, what the server needs besides does not: the operator finds it out later.',
  'gated-without-secret': 'The download fails without a token.',
  'secret-missing': 'Nothing is pulled or pushed with a Secret that is not there.',
  'preset-not-tunable': 'The operator crashes when it makes the Job.',
  'adapter-name-missing': 'KAITO looks at adapters in updates only, and pulls what it cannot mount.',
  'adapter-name-invalid': 'So it does here.',
  'adapter-name-no-label': 'No container can be named after it.',
  'adapter-source-count': 'KAITO looks at adapters in updates only.',
  'adapter-urls': 'An image without a name would be pulled.',
  'adapter-image-invalid': 'An image that is none would be pulled.',
  'adapter-strength-invalid': 'KAITO looks at adapters in updates only.',
  'tuning-input-name-no-label': 'No volume can be named after it.',
  'training-config-kills-trainer': 'The trainer ends, and the operator waits for its adapter for ever.',
  'dataset-url-invalid': 'v1alpha1 does not look at addresses; its documents are converted first.',
  'model-streaming-immutable': 'The same.',
};

/** Texts that KAITO has not written itself, or writes in random order. */
const textDifferences: Readonly<Record<string, { reason: string; isMeant(ours: string, theirs: string): boolean }>> = {
  yaml: { reason: 'The words behind `yaml:` are its YAML reader’s.', isMeant: (ours, theirs) => withoutYamlWords(ours) === withoutYamlWords(theirs) },
  sections: { reason: 'Of several unknown sections KAITO names a random one; we name all.', isMeant: (ours, theirs) => ours.split('Unrecognized section').length > 2 && theirs.split('\n').every((line) => ours.includes(line.replace(/^.*?Unrecognized/, 'Unrecognized').replace(/: tuning\.Config$/, ''))) },
};

const withoutYamlWords = (text: string): string => text.replaceAll(/yaml: [\s\S]*?(?=: (?:config|training_config\.yaml|output_dir|inference_config\.yaml)(?:$|\n|:))/g, 'yaml: …');

const hasAnswers = existsSync(file);

describe.skipIf(!hasAnswers)('against what KAITO’s own code answers (skipped where ../shared/data is absent)', async () => {
  const cases: Case[] = hasAnswers ? JSON.parse(readFileSync(file, 'utf8')) : [];
  const presets = await readPresets(join(projectFolder, 'presets'));

  const answer = ({ env, object, oldObject }: Case) => {
    const templates = env.chartConfigMaps ? Object.entries(chartConfigMaps).map(([name, data]) => ({ kind: 'ConfigMap', metadata: { name, namespace: env.releaseNamespace }, data })) : [];
    const facts = createFacts({ presets, objects: [...env.objects, ...templates], complete: factKinds, namespace: 'default' });
    const environment = { cloud: env.cloud, nodeProvisioner: env.nodeProvisioner, featureGates: env.featureGates, releaseNamespace: env.releaseNamespace, namespace: 'default', isForOperator: true };
    return evaluate(object, environment, facts, oldObject);
  };

  it('has cases', () => expect(cases.length).toBeGreaterThan(400));

  it('refuses and accepts what KAITO does, apart from the listed differences', () => {
    const excused = new Map(Object.entries(verdictDifferences).flatMap(([code, { cases: ids }]) => ids.map((id) => [id, code] as const)));
    const found: Record<string, string[]> = {};
    const wrong: string[] = [];
    for (const recorded of cases) {
      const broken = answer(recorded);
      const { stage } = kaitoAnswer(broken);
      if ((stage === 'none') === (recorded.result.verdict === 'valid')) continue;
      const code = excused.get(recorded.id);
      if (code !== undefined && broken.some(({ rule }) => rule.code === code)) found[code] = [...(found[code] ?? []), recorded.id];
      else wrong.push(`${recorded.id}: KAITO ${recorded.result.verdict}, ours ${broken.map(({ rule, source }) => `${rule.code}(${source})`).join(' ') || 'valid'}; ${recorded.result.webhook.error ?? ''}`);
    }
    expect(wrong).toEqual([]);
    const listed = Object.fromEntries(Object.entries(verdictDifferences).map(([code, { cases: ids }]) => [code, ids.toSorted()]));
    expect(Object.fromEntries(Object.entries(found).map(([code, ids]) => [code, ids.toSorted()]))).toEqual(listed);
  });

  it('refuses by itself what KAITO takes for the listed reasons only', () => {
    const own = cases.filter(({ result }) => result.verdict === 'valid').flatMap((recorded) => answer(recorded).flatMap(({ rule, source }) => (rule.severity === 'error' && source === 'kaito-ts' ? [rule.code] : [])));
    expect([...new Set(own)].sort()).toEqual(Object.keys(ownRefusals).sort());
  });

  it('says it in KAITO’s words, apart from the listed differences', () => {
    const used = new Set<string>();
    const wrong: string[] = [];
    for (const recorded of cases) {
      const { verdict, stage, schemaErrors = [], metadataErrors = [], webhook } = recorded.result;
      if (verdict !== 'invalid' || Object.values(verdictDifferences).some(({ cases: ids }) => ids.includes(recorded.id))) continue;
      const ours = kaitoAnswer(answer(recorded));
      const theirs = stage === 'apiserver' ? [...metadataErrors, ...schemaErrors].sort().join('\n') : (webhook.error ?? '');
      if (ours.text === theirs && ours.stage === stage) continue;
      const difference = Object.keys(textDifferences).find((name) => textDifferences[name]?.isMeant(ours.text, theirs));
      if (difference === undefined) wrong.push(`${recorded.id}\n  KAITO (${stage}): ${theirs}\n  ours (${ours.stage}): ${ours.text}`);
      else used.add(difference);
    }
    expect(wrong.join('\n')).toBe('');
    expect([...used].sort()).toEqual(Object.keys(textDifferences).sort());
  });

  it('drops the fields that the API server drops', () => {
    const wrong = cases.filter((recorded) => {
      const dropped = answer(recorded).flatMap(({ rule, finding }) => (rule.code === 'field-unknown' ? [/"(.*)"/.exec(finding.message)?.[1] ?? ''] : rule.code === 'volume-key' ? [finding.path.join('.').replaceAll(/\.(\d+)\./g, '[$1].')] : []));
      return dropped.sort().join() !== (recorded.result.prunedUnknownFields ?? []).sort().join();
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });
});

/** What the operator's chart installs, as far as the webhook reads it. */
const chartConfigMaps = {
  'lora-params-template': { 'training_config.yaml': 'training_config:\n  QuantizationConfig:\n    load_in_4bit: false\n  TrainingArguments:\n    output_dir: /mnt/results\n' },
  'qlora-params-template': { 'training_config.yaml': 'training_config:\n  QuantizationConfig:\n    load_in_4bit: true\n  TrainingArguments:\n    output_dir: /mnt/results\n' },
  'inference-params-template': { 'inference_config.yaml': 'vllm:\n  cpu-offload-gb: 0\n' },
};
