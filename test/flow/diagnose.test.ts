import { describe, expect, it } from 'vitest';
import type { Kinds } from '../../src/cluster/kinds.ts';
import { diagnosePods } from '../../src/flow/diagnose.ts';
import { container, ended, pod, running, waiting, warningEvent } from './support.ts';

const oom = (name: string) => container(name, { waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 3, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } });
const crashing = (restartCount: number, message?: string) =>
  container('served', { waiting: { reason: 'CrashLoopBackOff' } }, { restartCount, lastState: { terminated: { exitCode: 1, ...(message === undefined ? {} : { message }) } } });
const unschedulable = pod({ phase: 'Pending', nodeName: '', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' }] });
const evicted = (message: string) => pod({ phase: 'Failed', reason: 'Evicted', message });
const obedient = pod({ phase: 'Succeeded', containers: [ended('served', 0)], conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: 'The node was low on resource: ephemeral-storage. ' }] });

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/controllers/workspace_controller.go#L934 */
describe('diagnosePods', () => {
  it.each<[string, Kinds['Pod'], string, string]>([
    ['a container killed for lack of memory', pod({ containers: [ended('served', 137, { reason: 'OOMKilled' })] }), 'ContainerOOMKilled', 'container "served" was OOMKilled (exit code 137); reduce memory usage or use a larger instance type'],
    ['one killed the last time', pod({ containers: [oom('served')] }), 'ContainerOOMKilled', 'container "served" was OOMKilled (exit code 137); reduce memory usage or use a larger instance type'],
    ['an init container killed', pod({ init: [ended('tuner', 137, { reason: 'OOMKilled' })] }), 'ContainerOOMKilled', 'container "tuner" was OOMKilled (exit code 137); reduce memory usage or use a larger instance type'],
    ...['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull', 'ImageInspectError', 'RegistryUnavailable'].map((reason): [string, Kinds['Pod'], string, string] => [reason, pod({ containers: [waiting('served', reason, 'Back-off pulling image')] }), 'ImagePullError', `container "served" image pull failed (${reason}): Back-off pulling image`]),
    ...['CreateContainerConfigError', 'PreCreateHookError', 'CreateContainerError', 'PreStartHookError', 'RunContainerError', 'PostStartHookError'].map((reason): [string, Kinds['Pod'], string, string] => [reason, pod({ containers: [waiting('served', reason, 'secret "hf-token" not found')] }), 'ContainerStartError', `container "served" failed to start (${reason}): secret "hf-token" not found`]),
    ['a crash loop with its last words', pod({ containers: [crashing(1, 'CUDA error')] }), 'ContainerCrashLoopBackOff', 'container "served" is in CrashLoopBackOff; last termination: CUDA error'],
    ['a crash loop without words', pod({ containers: [crashing(1)] }), 'ContainerCrashLoopBackOff', 'container "served" is in CrashLoopBackOff; last termination: exit code 1'],
    ['a crash loop that never ran', pod({ containers: [waiting('served', 'CrashLoopBackOff')] }), 'ContainerCrashLoopBackOff', 'container "served" is in CrashLoopBackOff'],
    ['an eviction for disk', evicted('The node was low on resource: ephemeral-storage.'), 'NodeDiskPressure', 'pod "pod" evicted due to node disk pressure: The node was low on resource: ephemeral-storage.'],
    ['one turned away for disk', evicted('Pod was rejected: The node had condition: [DiskPressure]. '), 'NodeDiskPressure', 'pod "pod" evicted due to node disk pressure: Pod was rejected: The node had condition: [DiskPressure].'],
    ['an eviction for memory', evicted('The node was low on resource: memory.'), 'NodeMemoryPressure', 'pod "pod" evicted due to node memory pressure: The node was low on resource: memory.'],
    ['an eviction that the server obeyed in time', obedient, 'NodeDiskPressure', 'pod "pod" evicted due to node disk pressure: The node was low on resource: ephemeral-storage.'],
    ['any other eviction', evicted('Preempted by a pod.'), 'PodEvicted', 'pod "pod" evicted: Preempted by a pod.'],
    ['a pod whose node is gone', pod({ phase: 'Failed', init: [running('tuner')], conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }] }), 'PodDisrupted', 'pod "pod" was disrupted (DeletionByPodGC): PodGC: node no longer exists'],
    ['a pod that the kubelet turned away', pod({ phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no healthy devices present' }), 'PodFailed', 'pod "pod" failed on node node-a (UnexpectedAdmissionError): no healthy devices present'],
    ['a pod without a place', unschedulable, 'Unschedulable', 'pod "pod" is unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.'],
    ['a container with many last words', pod({ phase: 'Failed', init: [ended('pull', 1, { message: '10%\r20%\rTrying again\ntar: invalid tar magic\n' })] }), 'ContainerFailed', 'container "pull" ended with exit code 1: tar: invalid tar magic'],
    ['a container that ended with an error', pod({ phase: 'Failed', init: [ended('dataset', 22, { message: 'curl: (22) 404' })] }), 'ContainerFailed', 'container "dataset" ended with exit code 22: curl: (22) 404'],
  ])('says of %s what the operator says', (_, subject, reason, message) => {
    expect(diagnosePods([subject])).toMatchObject({ reason, message });
  });

  it.each<[string, Kinds['Pod']]>([
    ['runs', pod({ containers: [running('served')] })],
    ['has succeeded although a child of it was killed', pod({ init: [ended('tuner', 0, { reason: 'OOMKilled' })], containers: [running('push')] })],
    ['is being made', pod({ phase: 'Pending', containers: [waiting('served', 'ContainerCreating')] })],
    ['waits for its init containers', pod({ phase: 'Pending', init: [running('weights')], containers: [waiting('served', 'PodInitializing')] })],
    ['is done', pod({ phase: 'Succeeded', containers: [ended('push', 0)] })],
    ['has no status yet', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' } }],
    ['is pending and has a place', pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] })],
  ])('has nothing to say of a pod that %s', (_, subject) => {
    expect(diagnosePods([subject])).toBeUndefined();
  });

  it.each([
    ['mcr.example/absent:1: not found', /has no such image: check the name and the tag/],
    ['failed to authorize: 401 Unauthorized', /check the pull secret/],
    ['dial tcp: i/o timeout', /nodes can reach the registry/],
  ])('says what helps against a pull that failed with %s', (message, hint) => {
    expect(diagnosePods([pod({ containers: [waiting('served', 'ErrImagePull', message)] })])?.hints[0]).toMatch(hint);
  });

  it('has nothing to say of no pods', () => {
    expect(diagnosePods([])).toBeUndefined();
  });

  it('says why an adapter could not be pulled, which stands before the last line', () => {
    const message = 'Trying again with a.json.\ntime="2026-01-01T00:00:00Z" level=fatal msg="dial tcp 10.0.0.1:443: connect: connection refused"\nregistry.example/style:1 cannot be pulled.\n';
    expect(diagnosePods([pod({ containers: [crashing(1, message)] })])?.message).toBe('container "served" is in CrashLoopBackOff; last termination: registry.example/style:1 cannot be pulled: time="2026-01-01T00:00:00Z" level=fatal msg="dial tcp 10.0.0.1:443: connect: connection refused"');
  });

  it('names what the operator would name first, across all pods', () => {
    const pods = [unschedulable, pod({ name: 'b', containers: [crashing(1)] }), pod({ name: 'c', containers: [waiting('served', 'ErrImagePull')] }), pod({ name: 'd', containers: [oom('served')] })];
    expect(diagnosePods(pods)?.reason).toBe('ContainerOOMKilled');
    expect(diagnosePods(pods.slice(0, 3))?.reason).toBe('ImagePullError');
    expect(diagnosePods(pods.slice(0, 2))?.reason).toBe('ContainerCrashLoopBackOff');
    expect(diagnosePods(pods.slice(0, 1))?.reason).toBe('Unschedulable');
  });

  it('tells of an eviction until a kubelet has let another pod in', () => {
    expect(diagnosePods([evicted('disk'), { ...unschedulable, metadata: { name: 'next' } }])?.reason).toBe('NodeDiskPressure');
    expect(diagnosePods([evicted('disk'), pod({ name: 'next', phase: 'Pending' })])?.reason).toBe('NodeDiskPressure');
    expect(diagnosePods([evicted('disk'), pod({ name: 'next', containers: [running('served')] })])).toBeUndefined();
    expect(diagnosePods([obedient, { ...unschedulable, metadata: { name: 'next' } }])?.reason).toBe('NodeDiskPressure');
    expect(diagnosePods([obedient, pod({ name: 'next', containers: [running('served')] })])).toBeUndefined();
  });

  it('tells of volumes that cannot be mounted', () => {
    const subject = pod({ phase: 'Pending', containers: [waiting('served', 'ContainerCreating')] });
    expect(diagnosePods([subject], [warningEvent(subject, 'FailedMount', 'MountVolume.SetUp failed for volume "results"')])).toMatchObject({ reason: 'VolumeError', message: 'Pod/pod: MountVolume.SetUp failed for volume "results"' });
    expect(diagnosePods([subject], [warningEvent(subject, 'BackOff', 'Back-off restarting')])).toBeUndefined();
  });

  it.each<[string, Kinds['Pod'], boolean]>([
    ['an image that does not exist', pod({ containers: [waiting('served', 'ErrImagePull', 'manifest unknown')] }), true],
    ['a registry that lets nobody in', pod({ containers: [waiting('served', 'ImagePullBackOff', 'failed to authorize: 401 Unauthorized')] }), true],
    ['a name that is none', pod({ containers: [waiting('served', 'InvalidImageName', 'couldn\'t parse')] }), true],
    ['a registry that hiccups', pod({ containers: [waiting('served', 'ErrImagePull', 'dial tcp: i/o timeout')] }), false],
    ['a Secret that is not there', pod({ containers: [waiting('served', 'CreateContainerConfigError', 'secret not found')] }), true],
    ['the first crash of a server', pod({ restartPolicy: 'Always', containers: [ended('served', 1)] }), false],
    ['a crash that was followed by a new start', pod({ restartPolicy: 'Always', containers: [crashing(1)] }), false],
    ['a crash that repeats', pod({ restartPolicy: 'Always', containers: [crashing(2)] }), true],
    ['a container that is never started again', pod({ restartPolicy: 'Never', containers: [ended('tuner', 1)] }), true],
    ['an eviction, after which another pod comes', evicted('memory'), false],
    ['a pod without a place, which a new node may give', unschedulable, false],
  ])('knows whether waiting can help: %s', (_, subject, isFatal) => {
    expect(diagnosePods([subject])?.isFatal).toBe(isFatal);
  });

  it('judges a container that runs by its next crash, not by those of before', () => {
    const again = (reason: string, ready = false) => pod({ restartPolicy: 'Always', containers: [container('served', { running: {} }, { ready, restartCount: 4, lastState: { terminated: { exitCode: 137, reason, message: 'ValueError: no' } } })] });
    expect(diagnosePods([again('Error')])).toMatchObject({ reason: 'ContainerCrashLoopBackOff', isFatal: false, message: 'container "served" runs again after 4 restarts; last termination: ValueError: no' });
    expect(diagnosePods([again('OOMKilled')])).toMatchObject({ reason: 'ContainerOOMKilled', isFatal: false, message: expect.stringMatching(/; it runs again$/) });
    expect(diagnosePods([again('Error', true)])).toBeUndefined();
    expect(diagnosePods([again('OOMKilled', true)])).toBeUndefined();
  });

  it('always names a command that looks closer', () => {
    for (const subject of [pod({ containers: [oom('served')] }), pod({ containers: [waiting('served', 'ErrImagePull', '403 Forbidden')] }), pod({ containers: [crashing(2)] }), unschedulable, evicted('disk')]) {
      expect(diagnosePods([subject])?.hints.some((hint) => /kubectl (describe|logs|get)/.test(hint))).toBe(true);
    }
  });
});
