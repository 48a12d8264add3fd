import { describe, expect, it } from 'vitest';
import { BugError, KaitoError } from '../../src/domain/errors.ts';
import { planUnseen } from '../../src/plan/plan-unseen.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { isMap } from '../../src/validation/json.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { kindOf, readWorkspace } from '../../src/validation/workspace-file.ts';
import { catalogue, servingFlags, templates, tuningFlags } from '../plan/support.ts';

/** A small generator with a fixed seed: https://en.wikipedia.org/wiki/Linear_congruential_generator */
const createRandom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

const strange: readonly unknown[] = [null, true, 0, -1, 1.5, '', 'x', 'UPPER', 'a/b', '${workspace.name}', '\u0000', 'no', '1'.repeat(300), 'https://[::1', [], {}, [null], ['a', 'b'], { a: 1 }, { __proto__x: 1 }, 'phi-4', 'Standard_NC24ads_A100_v4'];

/** The same document with a strange value here and there, or a part left out. */
const spoil = (value: unknown, random: (below: number) => number): unknown => {
  if (random(30) === 0) return strange[random(strange.length)];
  if (Array.isArray(value)) return value.map((item: unknown) => spoil(item, random));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (random(40) === 0 ? [] : [[key, spoil(inner, random)] as const])));
};

const metadata = { name: 'a', namespace: 'team', labels: { team: 'x' }, annotations: { 'kaito.sh/runtime': 'vllm', 'kaito.sh/enablelb': 'True', 'kaito-ts/training': '{"r":16}' } };
const resource = { instanceType: 'Standard_NC24ads_A100_v4', count: 1, labelSelector: { matchLabels: { apps: 'a' } } };
const documents = [
  {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata,
    resource,
    inference: { preset: { name: 'phi-4', presetOptions: { modelAccessSecret: 'hf' } }, config: 'settings', adapters: [{ source: { name: 'one', image: 'r.io/one:1', imagePullSecrets: ['pull'] }, strength: '0.5' }, { source: { name: 'two', volumeSource: { persistentVolumeClaim: { claimName: 'two' } } } }] },
  },
  {
    apiVersion: 'kaito.sh/v1alpha1',
    kind: 'Workspace',
    metadata,
    resource,
    tuning: { preset: { name: 'phi-4' }, method: 'lora', config: 'settings', input: { name: 'data', urls: ['https://example.com/a.csv'] }, output: { image: 'r.io/a:1', imagePushSecret: 'push' } },
  },
];

describe('a document that holds anything at all', () => {
  it('is planned or refused with a reason, and is never a defect', () => {
    const flags = { ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: undefined }) };
    const outcomes: string[] = [];
    for (let seed = 1; seed <= 1500; seed += 1) {
      const random = createRandom(seed);
      const [document] = parseDocuments('w.yaml', JSON.stringify(spoil(documents[seed % 2], random)));
      if (!document?.content) continue;
      try {
        const reading = readWorkspace(document, surroundingsOf([document]), { presets: catalogue, namespace: 'default', overrides: [] });
        outcomes.push(reading.kind);
        if (reading.kind === 'read') planUnseen({ kind: kindOf(document) ?? 'inference', flags, basis: reading.basis, namespace: 'default', catalogue, region: 'eastus', templates });
      } catch (error) {
        if (!(error instanceof KaitoError) || error instanceof BugError) throw new Error(`Seed ${seed}: ${JSON.stringify(document.content)}`, { cause: error });
        outcomes.push(error.reason);
      }
    }
    expect(outcomes.filter((outcome) => outcome === 'read').length).toBeGreaterThan(100);
    expect(outcomes.filter((outcome) => outcome === 'refused').length).toBeGreaterThan(100);
  });
});
