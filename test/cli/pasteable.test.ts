import { describe, expect, it } from 'vitest';
import { completeCommand, makePasteable } from '../../src/cli/pasteable.ts';
import { NotFoundError } from '../../src/domain/errors.ts';

const place = { namespace: 'team', context: 'prod', kubeconfig: '/my files/kubeconfig' };

describe('a command that is named to be pasted', () => {
  it.each([
    ['a bare command', 'kaito-ts logs served --previous', 'kaito-ts logs served --previous -n team'],
    ['what follows a colon', 'talk to it: kaito-ts chat served', 'talk to it: kaito-ts chat served -n team'],
    ['a comment after it', 'kaito-ts delete tuned   # undo', 'kaito-ts delete tuned -n team   # undo'],
    ['a namespace of its own', 'kaito-ts delete tuned -n other', 'kaito-ts delete tuned -n other'],
    ['every namespace', 'kaito-ts status -A', 'kaito-ts status -A'],
    ['an adapter with -n in its name', 'kaito-ts serve --adapter a-n', 'kaito-ts serve --adapter a-n -n team'],
    ['a command that asks no cluster', 'kaito-ts presets --tunable', 'kaito-ts presets --tunable'],
    ['a sentence', 'kaito-ts status shows what it is doing.', 'kaito-ts status shows what it is doing.'],
    ['another program', 'kubectl describe pod a', 'kubectl describe pod a'],
  ])('has the namespace that was asked: %s', (_case, text, expected) => {
    expect(completeCommand(text, { namespace: 'team' })).toBe(expected);
  });

  it('names the context and the kubeconfig too, quoted for a shell', () => {
    expect(completeCommand('kaito-ts chat served "Hello"', place)).toBe(`kaito-ts chat served "Hello" -n team --context prod --kubeconfig '/my files/kubeconfig'`);
  });

  it('stays as it is where nothing was told', () => {
    expect(completeCommand('kaito-ts chat served', {})).toBe('kaito-ts chat served');
  });

  it('is completed in results, notes and errors', () => {
    const complete = 'kaito-ts status a -n team';
    const { namespace } = place;
    expect(makePasteable({ type: 'result', result: {}, summary: ['kaito-ts status a'], hints: ['kaito-ts status a'] }, { namespace })).toMatchObject({ summary: [complete], hints: [complete] });
    expect(makePasteable({ type: 'note', message: '', hints: ['kaito-ts status a'] }, { namespace })).toMatchObject({ hints: [complete] });
    expect(makePasteable({ type: 'failed', error: new NotFoundError('', { hints: ['kaito-ts status a'] }) }, { namespace })).toMatchObject({ error: { hints: [complete] } });
  });

  it('names the namespace of each workspace where those of all are shown', () => {
    const status = { name: 'a', namespace: 'other', kind: 'inference', preset: 'p', instanceType: '', targetNodeCount: 1, createdAt: '', workerNodes: [], state: 'Ready', conditions: [], why: '', next: 'kaito-ts chat a', managedBy: 'kaito-ts' } as const;
    const shown = (allNamespaces: boolean) => makePasteable({ type: 'statuses', statuses: [{ ...status, workerNodes: [], conditions: [] }], wide: false, namespace: allNamespaces ? undefined : 'default' }, {});
    expect(shown(true)).toMatchObject({ statuses: [{ next: 'kaito-ts chat a -n other' }] });
    expect(shown(false)).toMatchObject({ statuses: [{ next: 'kaito-ts chat a' }] });
  });
});
