import { describe, expect, it } from 'vitest';
import { planManifests, workspaceComments } from '../../src/flow/plan-manifests.ts';
import { parseRecord } from '../../src/flow/record.ts';
import { planTuning } from '../../src/plan/plan-tuning.ts';
import { toTuningRequest } from '../../src/plan/tuning-request.ts';
import { catalogue, facts, templates, tuningFlags } from '../plan/support.ts';

const plan = planTuning(toTuningRequest(tuningFlags(), 'default', catalogue, undefined), facts(), templates);
const [record, ...rest] = planManifests(plan);

describe('what a first run would write', () => {
  it('begins with the owner record, in which no run, no time and no agent pool is', () => {
    expect(Object.keys(Object(record?.object)['data'])).toEqual(['workspace.json', 'revision']);
    expect(record?.object.metadata).not.toHaveProperty('ownerReferences');
  });

  it('has a record that a later run takes up', () => {
    const stored = { ...JSON.parse(JSON.stringify(record?.object)), metadata: { ...record?.object.metadata, uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' } };
    expect(parseRecord(stored)).toEqual({ uid: 'u', record: { workspace: plan.workspace, revision: 1, createdAt: '2026-01-01T00:00:00Z' } });
  });

  it('has none of the hashes by which this program knows its own writing', () => {
    expect(JSON.stringify(rest)).not.toContain('kaito-ts/content');
    expect(rest).toHaveLength(plan.steps.filter(({ kind }) => kind === 'apply').length);
  });

  it('tells what was decided and what must be there, and nothing that flags said', () => {
    expect(record?.comments.join('\n')).toMatch(/^1 x Standard_\w+: cheapest that fits/m);
    expect(record?.comments.join('\n')).toMatch(/kaito\.sh\/workspacenamespace=default/);
    const said = planTuning(toTuningRequest(tuningFlags({ method: 'lora', outputImage: 'r.io/a:1' }), 'default', catalogue, undefined), facts(), templates);
    expect(planManifests(said)[0]?.comments.join('\n')).not.toMatch(/^(?:method|output) /m);
    expect(workspaceComments(plan).at(-1)).toMatch(/PersistentVolumeClaim\/phi-3-mini-128k-instruct-qlora-adapter must be there/);
    expect(workspaceComments(said).join('\n')).not.toMatch(/PersistentVolumeClaim/);
  });
});
