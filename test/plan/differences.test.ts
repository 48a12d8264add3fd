import { describe, expect, it } from 'vitest';
import { differences } from '../../src/plan/differences.ts';
import { tuningWorkspace } from '../flow/support.ts';

const stored = tuningWorkspace();
const tuning = (changes: object) => tuningWorkspace({ tuning: { ...Object(stored.tuning), ...changes } });

describe('differences', () => {
  it('are none between equal Workspaces, whatever is in their labels', () => {
    expect(differences(tuningWorkspace({ metadata: { ...stored.metadata, labels: { team: 'search' }, annotations: {} } }), stored)).toEqual([]);
  });

  it.each<[string, ReturnType<typeof tuning>, string[]]>([
    ['a value', tuning({ method: 'lora' }), ['tuning.method: qlora there, lora wanted']],
    ['an addition', tuning({ config: 'mine' }), ['tuning.config: nothing there, mine wanted']],
    ['a removal', tuningWorkspace({ resource: { labelSelector: { matchLabels: {} } } }), ['resource.labelSelector.matchLabels.apps: tuned there, nothing wanted', 'resource.instanceType: Standard_NV36ads_A10_v5 there, nothing wanted']],
    ['a list', tuning({ input: { urls: ['https://example.com/other.jsonl'] } }), ['tuning.input.urls: ["https://example.com/train.jsonl"] there, ["https://example.com/other.jsonl"] wanted']],
    ['an annotation', tuningWorkspace({ metadata: { ...stored.metadata, annotations: { 'kaito-ts/training': '{"r":16}' } } }), ['annotations.kaito-ts/training: nothing there, {"r":16} wanted']],
    ['several at once', tuning({ method: 'lora', config: 'mine' }), ['tuning.method: qlora there, lora wanted', 'tuning.config: nothing there, mine wanted']],
  ])('say path, old and new: %s', (_, wanted, expected) => {
    expect(differences(wanted, stored)).toEqual(expected);
  });
});
