import { describe, expect, it } from 'vitest';
import type { Kinds } from '../../src/cluster/kinds.ts';
import { diagnoseCreation, refusalsOf } from '../../src/flow/diagnose-creation.ts';
import { pod, warningEvent } from './support.ts';

describe('a workload without any pod', () => {
  const deployment = (conditions: { type: string; status: string; message: string }[]): Kinds['Deployment'] => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'served', namespace: 'default', uid: 'uid-of-served' }, status: { conditions } });
  const statefulSet: Kinds['StatefulSet'] = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'served', namespace: 'default', uid: 'uid-of-served' } };

  it('says why a Deployment has none from its condition', () => {
    const refused = deployment([{ type: 'ReplicaFailure', status: 'True', message: 'pods "served-1" is forbidden: violates PodSecurity "restricted:latest": privileged' }]);
    expect(diagnoseCreation(refused, [])).toMatchObject({ reason: 'PodRefused', isFatal: true, message: 'Deployment/served cannot make its pod: pods "served-1" is forbidden: violates PodSecurity "restricted:latest": privileged', hints: ['kubectl describe deployment served -n default', expect.any(String)] });
  });

  it('says why a StatefulSet has none from its events', () => {
    const event: Kinds['Event'] = { ...warningEvent(pod({ name: 'served' }), 'FailedCreate', 'create Pod served-0 in StatefulSet served failed error: admission webhook "x.example" denied the request: no'), involvedObject: { kind: 'StatefulSet', name: 'served', uid: 'uid-of-served' } };
    expect(diagnoseCreation(statefulSet, [event])).toMatchObject({ reason: 'PodRefused', isFatal: true });
    expect(diagnoseCreation(statefulSet, [warningEvent(pod({ name: 'other' }), 'FailedCreate', 'no')])).toBeUndefined();
  });

  it('has nothing to say while there is no sign of trouble', () => {
    expect(diagnoseCreation(deployment([{ type: 'Progressing', status: 'True', message: '' }]), [])).toBeUndefined();
    expect(diagnoseCreation(undefined, [])).toBeUndefined();
  });

  it.each([
    ['is too small for the pod at all', 'requested: requests.nvidia.com/gpu=4, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=2', true],
    ['is too small in one of several things', 'requested: limits.memory=64Gi,pods=1, used: limits.memory=0,pods=3, limited: limits.memory=32Gi,pods=10', true],
    ['is used up by others', 'requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=2', false],
    ['is counted in what is no size', 'requested: cpu=1500m, used: cpu=0, limited: cpu=1', false],
  ])('knows whether waiting can help with a quota that %s', (_, amounts, isFatal) => {
    const refused = deployment([{ type: 'ReplicaFailure', status: 'True', message: `pods "served-1" is forbidden: exceeded quota: team, ${amounts}` }]);
    expect(diagnoseCreation(refused, [])?.isFatal).toBe(isFatal);
  });

  it('is given the chance that what refused earlier does no longer, and none when it is refused once more', () => {
    const refused = deployment([{ type: 'ReplicaFailure', status: 'True', message: 'denied the request: no' }]);
    const event = (name: string, replicaSet: string): Kinds['Event'] => ({ ...warningEvent(pod({ name: 'served' }), 'FailedCreate', 'Error creating: denied the request: no'), metadata: { name }, involvedObject: { kind: 'ReplicaSet', name: replicaSet, uid: `uid-of-${replicaSet}` } });
    const before = [event('a', 'served-7d4')];
    const earlier = refusalsOf(refused, before);
    expect(diagnoseCreation(refused, before, earlier)).toMatchObject({ isFatal: false, message: 'Deployment/served cannot make its pod: denied the request: no; it is tried again ever more seldom, or at once after: kubectl rollout restart deployment served -n default' });
    expect(diagnoseCreation(refused, [...before, event('b', 'other-7d4')], earlier)?.isFatal).toBe(false);
    expect(diagnoseCreation(refused, [...before, event('b', 'served-7d4')], earlier)?.isFatal).toBe(true);
    expect(diagnoseCreation(deployment([]), before)).toBeUndefined();
  });

  it('is refused once more when the same event is counted again', () => {
    const event = (count: number): Kinds['Event'] => ({ ...warningEvent(pod({ name: 'served' }), 'FailedCreate', 'denied the request: no'), count, involvedObject: { kind: 'StatefulSet', name: 'served', uid: 'uid-of-served' } });
    const earlier = refusalsOf(statefulSet, [event(3)]);
    expect(diagnoseCreation(statefulSet, [event(3)], earlier)?.isFatal).toBe(false);
    expect(diagnoseCreation(statefulSet, [event(4)], earlier)?.isFatal).toBe(true);
  });
});
