import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { QuotaError, UsageError } from '../../src/domain/errors.ts';
import type { Event } from '../../src/domain/event.ts';
import { outputFormats } from '../../src/domain/output-format.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { WorkspaceStatus } from '../../src/domain/status.ts';
import { outputs } from '../../src/outputs/index.ts';
import { nodePool, planOf, tuningWorkspace } from '../flow/support.ts';
import { createTarget, play } from './support.ts';

const step = { kind: 'await-gone' as const, title: 'Wait for the pods to end', labelSelector: 'a=b', timeoutMs: 60_000 };
const write = { kind: 'record' as const, title: 'Write the owner record', revision: 1, nodePool: nodePool() };

const plan: Plan = {
  ...planOf([write, step]),
  choices: [
    { what: 'name', value: 'tuned', why: 'given' },
    { what: 'instance-type', value: '1 x Standard_NV36ads_A10_v5', why: 'cheapest that fits' },
    { what: 'time limit', value: '4h', why: '' },
  ],
  checks: [
    { what: 'login', verdict: 'passed', fact: 'test login' },
    { what: 'push', verdict: 'unknown', fact: 'not tried' },
  ],
  cost: { perHourUsd: 3.2, source: 'list price', limitUsd: 15.2 },
  warnings: ['It is close.'],
};

const status: WorkspaceStatus = {
  name: 'served',
  namespace: 'default',
  kind: 'inference',
  preset: 'phi-4',
  instanceType: 'Standard_NV36ads_A10_v5',
  targetNodeCount: 1,
  workerNodes: ['node-a'],
  state: 'Ready',
  conditions: [
    { type: 'ResourceReady', status: 'True', reason: 'r', message: 'm' },
    { type: 'InferenceReady', status: 'True', reason: 'r', message: 'm' },
    { type: 'WorkspaceSucceeded', status: 'False', reason: 'r', message: 'm' },
  ],
  createdAt: '2025-12-31T23:00:00Z',
  why: 'The model server answers.',
  next: 'kaito-ts chat served "Hello"',
  nodePool: { name: 'kpool', state: 'Present' },
  endpoint: 'http://served.default.svc.cluster.local/v1',
  managedBy: 'kaito-ts',
};

const failure = new QuotaError('No quota is left.', { reason: 'QuotaExceeded', fact: 'cores: 10 of 10 used\nmore', hints: ['az vm list-usage', 'Ask for more.'] });

const run: Event[] = [
  { type: 'planned', plan, dryRun: false },
  { type: 'stepStarted', index: 0, total: 2, step: write },
  { type: 'applied', object: { kind: 'ConfigMap', name: 'tuned-kaito' }, outcome: 'created' },
  { type: 'stepDone', index: 0, total: 2, step: write, detail: 'ConfigMap/tuned-kaito', elapsedMs: 20 },
  { type: 'stepStarted', index: 1, total: 2, step },
  { type: 'waiting', what: 'the pods to go', reason: 'pod-1 still there', elapsedMs: 0, timeoutMs: 60_000 },
  { type: 'note', message: 'By the way.', hints: ['kaito-ts status'] },
  { type: 'stepDone', index: 1, total: 2, step, detail: 'gone', elapsedMs: 95_000 },
  { type: 'result', result: { name: 'tuned' }, summary: ['workspace tuned is done'], hints: ['kaito-ts serve'] },
];

describe('every output', () => {
  it.each(outputFormats)('%s ends every line, and says nothing of nothing', async (format) => {
    const target = createTarget();
    await play(outputs[format](target), []);
    expect([target.stdout, target.stderr]).toEqual(['', '']);
    await play(outputs[format](target), run);
    for (const piece of target.written) expect(piece.endsWith('\n')).toBe(true);
  });

  it.each(outputFormats)('%s tells an error on stderr, however quiet it is', async (format) => {
    const target = createTarget({ isQuiet: true });
    await play(outputs[format](target), [{ type: 'failed', error: failure }]);
    expect(target.stderr).toMatch(/^error: No quota is left\.\n {2}cores: 10 of 10 used\n {2}more\nhint: az vm list-usage\nhint: Ask for more\.\n/);
  });

  it.each(outputFormats)('%s lets nothing from outside steer the terminal', async (format) => {
    const evil = 'a\u001B]0;title\u0007\u001B[2Jb\u009B31mc\rd';
    const target = createTarget();
    await play(outputs[format](target), [
      { type: 'waiting', what: 'the pod', reason: evil, elapsedMs: 0, timeoutMs: 1 },
      { type: 'warning', message: evil, hints: [evil] },
      { type: 'statuses', statuses: [{ ...status, why: evil }], wide: false, namespace: 'default' },
      { type: 'planned', plan: { ...plan, warnings: [evil] }, dryRun: true },
      { type: 'result', result: { evil }, summary: [evil] },
      { type: 'failed', error: new QuotaError(evil, { fact: evil, hints: [evil] }) },
    ]);
    // JSON may hold them escaped, and a C1 control in UTF-8 is two bytes that no terminal in UTF-8 mode obeys there.
    const shown = format === 'json' || format === 'yaml' || format === 'ndjson' ? target.stderr : target.stdout + target.stderr;
    expect(shown).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/);
    expect(shown).toContain('a');
  });
});

describe('text', () => {
  it('tells the plan and the steps on stderr, and the result alone on stdout', async () => {
    const target = createTarget();
    await play(outputs.text(target), run);
    expect(target.stdout).toBe('workspace tuned is done\n');
    expect(target.stderr).toBe(
      [
        'Plan: tune tuned in namespace default of test',
        '  name           tuned  (given)',
        '  instance-type  1 x Standard_NV36ads_A10_v5  (cheapest that fits)',
        '  time limit     4h',
        '  cost           $3.20 an hour, at most $15.20  (list price)',
        '',
        'Checked',
        '  ✓ login: test login',
        '  ? push: not tried',
        '',
        'Steps',
        '   1 Write the owner record',
        '   2 Wait for the pods to end  (only waits)',
        'warning: It is close.',
        '',
        '✓ [1/2] Write the owner record  (ConfigMap/tuned-kaito)',
        '[2/2] Wait for the pods to end',
        '  the pods to go: pod-1 still there (0s of at most 60s)',
        'By the way.',
        'hint: kaito-ts status',
        '✓ [2/2] Wait for the pods to end  (gone, 95s)',
        'hint: kaito-ts serve',
        '',
      ].join('\n'),
    );
  });

  it('prints a plan that is not carried out as the result', async () => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'planned', plan, dryRun: true }]);
    expect(target.stdout).toMatch(/^Plan: tune tuned/);
    expect(target.stderr).toBe('');
  });

  it.each<[string, Partial<Plan>, RegExp]>([
    ['without an end', { cost: { perHourUsd: 3.2, source: 'list price' } }, /\$3\.20 an hour, until you delete it/],
    ['unknown, when nodes are made', { cost: undefined, steps: [{ kind: 'create-agent-pool', title: 'Add', pool: { name: 'k', instanceType: 'x', count: 1, osDiskGiB: 1, labels: {}, taints: [], tags: {}, spot: false }, timeoutMs: 1 }] }, /cost +unknown {2}\(no list price is known/],
  ] as [string, Partial<Plan>, RegExp][])('says what it costs: %s', async (_, changes, expected) => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'planned', plan: { ...plan, ...changes }, dryRun: true }]);
    expect(target.stdout).toMatch(expected);
  });

  it('says nothing but the result when quiet', async () => {
    const target = createTarget({ isQuiet: true });
    await play(outputs.text(target), [...run, { type: 'warning', message: 'careful' }]);
    expect([target.stdout, target.stderr]).toEqual(['workspace tuned is done\n', '']);
  });

  it('tells training at most every ten seconds in a pipe, and always its last step', async () => {
    const target = createTarget();
    const output = outputs.text(target);
    for (let number = 1; number <= 30; number += 1) {
      await output.handle({ type: 'progress', progress: { phase: 'training', step: number, totalSteps: 30, loss: 2.5, secondsPerStep: 1, remainingSeconds: 30 - number } });
      target.advance(1_000);
    }
    expect(target.stderr.match(/step \d+/g)).toEqual(['step 1', 'step 11', 'step 21', 'step 30']);
    expect(target.stderr).toContain('  step 11 of 30 (36 %), loss 2.5, 1.00 s a step, 19s left\n');
  });

  it('tells at once that training begins, however short ago the model was loaded', async () => {
    const target = createTarget();
    await play(outputs.text(target), [
      { type: 'progress', progress: { phase: 'preparing', what: 'Loading weights', percent: 0 } },
      { type: 'progress', progress: { phase: 'preparing', what: 'Loading weights', percent: 90 } },
      { type: 'progress', progress: { phase: 'training', step: 1, totalSteps: 30 } },
    ]);
    expect(target.stderr).toBe('  Loading weights: 0 %\n  step 1 of 30 (3 %)\n');
  });

  it('tells a new phase at once when a step begins', async () => {
    const target = createTarget();
    await play(outputs.text(target), [
      { type: 'progress', progress: { phase: 'preparing', what: 'Map', percent: 40 } },
      { type: 'stepStarted', index: 1, total: 2, step },
      { type: 'progress', progress: { phase: 'weights', percent: 10, bytesPerSecond: 104857600, remainingSeconds: 300 } },
    ]);
    expect(target.stderr).toContain('  Map: 40 %\n');
    expect(target.stderr).toContain('  downloading the weights, 10 %, 100 MiB/s, 5m left\n');
  });

  it('leaves logs and text as their command made them', async () => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'log', container: 'tuner', text: 'no newline' }, { type: 'text', text: '\u001B[1mbold\u001B[22m\n' }]);
    expect(target.stdout).toBe('no newline\u001B[1mbold\u001B[22m\n');
  });

  it('prints tables as kubectl does', async () => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'table', columns: ['NAME', 'GPU'], rows: [['long-name', ''], ['a', 'A10']], data: [] }]);
    expect(target.stdout).toBe('NAME        GPU\nlong-name\na           A10\n');
  });

  it('is understood without colours, and has them where there are any', async () => {
    const [plainTarget, coloured] = [createTarget(), createTarget({ colorLevel: 1 })];
    await play(outputs.text(plainTarget), run);
    await play(outputs.text(coloured), run);
    expect(coloured.stderr).not.toBe(plainTarget.stderr);
    expect(plainTarget.plain(coloured.stderr)).toBe(plainTarget.stderr);
  });
});

describe('the table of statuses', () => {
  const show = async (statuses: WorkspaceStatus[], { wide = false, allNamespaces = false } = {}) => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'statuses', statuses, wide, namespace: allNamespaces ? undefined : 'default' }]);
    return target.stdout;
  };

  it('has the operator\'s columns, and under them why and what next', async () => {
    expect(await show([status])).toBe(
      [
        'NAME     INSTANCE                  RESOURCEREADY   INFERENCEREADY   JOBSTARTED   WORKSPACESUCCEEDED   TARGETNODECOUNT   STATE   AGE',
        'served   Standard_NV36ads_A10_v5   True            True                          False                1                 Ready   60m',
        '',
        'served: The model server answers.',
        '  next: kaito-ts chat served "Hello"',
        '',
      ].join('\n'),
    );
  });

  it('has namespaces and more where asked', async () => {
    const [header, row] = (await show([status], { wide: true, allNamespaces: true })).split('\n');
    expect(header).toMatch(/^NAMESPACE +NAME .* AGE +PRESET +NODES +AGENTPOOL +ENDPOINT +MANAGEDBY$/);
    expect(row).toMatch(/^default +served .* 60m +phi-4 +node-a +kpool +http:\/\/served\.default\.svc\.cluster\.local\/v1 +kaito-ts$/);
  });

  it('is wide with -o wide', async () => {
    const target = createTarget();
    await play(outputs.wide(target), [{ type: 'statuses', statuses: [status], wide: false, namespace: 'default' }]);
    expect(target.stdout).toMatch(/AGENTPOOL/);
  });

  it('says when there is none', async () => {
    expect(await show([])).toBe('No workspaces found in namespace default.\n');
    expect(await show([], { allNamespaces: true })).toBe('No workspaces found.\n');
  });

  it.each([
    ['2025-12-31T23:59:30Z', '30s'],
    ['2025-12-31T23:55:00Z', '5m'],
    ['2025-12-31T23:54:30Z', '5m30s'],
    ['2025-12-31T20:00:00Z', '4h'],
    ['2025-12-20T00:00:00Z', '12d'],
    ['', '<unknown>'],
    ['2026-01-01T00:00:05Z', '0s'],
  ])('writes an age as kubectl does: %s is %s', async (createdAt, age) => {
    expect((await show([{ ...status, createdAt }])).split('\n')[1]).toMatch(new RegExp(` ${age}$`));
  });
});

describe('json and yaml', () => {
  it.each([['json', JSON.parse], ['yaml', parse]] as const)('%s is one value, the last word, and stderr is for people', async (format, read: (text: string) => unknown) => {
    const target = createTarget();
    await play(outputs[format](target), run);
    expect(read(target.stdout)).toEqual({ name: 'tuned' });
    expect(target.stderr).toMatch(/Wait for the pods to end/);
  });

  it.each<[string, Event, unknown]>([
    ['a plan that is not carried out', { type: 'planned', plan, dryRun: true }, plan],
    ['statuses', { type: 'statuses', statuses: [status], wide: false, namespace: 'default' }, { items: [status] }],
    ['a table', { type: 'table', columns: ['A'], rows: [['1']], data: { a: 1 } }, { a: 1 }],
    ['a text', { type: 'text', text: 'kind: X\n' }, { text: 'kind: X\n' }],
  ])('are the data of %s', async (_, event, expected) => {
    const target = createTarget();
    await play(outputs.json(target), [event]);
    expect(JSON.parse(target.stdout)).toEqual(JSON.parse(JSON.stringify(expected)));
  });

  it('write a result at once, and once, when the command stays to hold something open', async () => {
    const target = createTarget();
    const output = outputs.json(target);
    await output.handle({ type: 'result', result: { url: 'x' }, summary: [], staysOpen: true });
    expect(JSON.parse(target.stdout)).toEqual({ url: 'x' });
    await output.handle({ type: 'note', message: 'The pod was replaced.' });
    await output.finish();
    expect(JSON.parse(target.stdout)).toEqual({ url: 'x' });
  });

  it('write the error when the command failed, so that a program can branch on it', async () => {
    const target = createTarget();
    await play(outputs.json(target), [{ type: 'failed', error: failure }]);
    expect(JSON.parse(target.stdout)).toMatchObject({ error: 'QuotaError', reason: 'QuotaExceeded', exitCode: 5 });
  });

  it('repeat no anchors and fold no lines in YAML', async () => {
    const target = createTarget();
    const long = 'word '.repeat(40).trim();
    const shared = { a: long };
    await play(outputs.yaml(target), [{ type: 'result', result: { one: shared, two: shared }, summary: [] }]);
    expect(target.stdout).toBe(`one:\n  a: ${long}\ntwo:\n  a: ${long}\n`);
  });
});

describe('ndjson', () => {
  it('is every event as it happens, with its time, and nothing on stderr', async () => {
    const target = createTarget();
    await play(outputs.ndjson(target), run);
    const lines = target.stdout.trimEnd().split('\n').map((line): Record<string, unknown> => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(run.map(({ type }) => type));
    expect(lines[0]).toMatchObject({ time: '2026-01-01T00:00:00.000Z', type: 'planned', dryRun: false });
    expect(target.stderr).toBe('');
  });

  it('tells an error by its fields', async () => {
    const target = createTarget();
    await play(outputs.ndjson(target), [{ type: 'failed', error: failure }]);
    expect(JSON.parse(target.stdout)).toEqual({ time: '2026-01-01T00:00:00.000Z', type: 'failed', error: 'QuotaError', reason: 'QuotaExceeded', message: 'No quota is left.', fact: 'cores: 10 of 10 used\nmore', hints: ['az vm list-usage', 'Ask for more.'], exitCode: 5 });
  });
});

describe('a table as ndjson', () => {
  it('is a line for each row where rows have a meaning by themselves, and warnings go to stderr', async () => {
    const target = createTarget();
    await play(outputs.ndjson(target), [{ type: 'table', columns: ['A'], rows: [['1'], ['2']], data: { items: [] }, each: [{ a: 1 }, { a: 2 }] }, { type: 'warning', message: 'Mind that.', hints: ['Do this.'] }]);
    expect(target.stdout).toBe('{"a":1}\n{"a":2}\n');
    expect(target.stderr).toMatch(/warning: Mind that\.[\s\S]*Do this\./);
  });

  it('is one event otherwise', async () => {
    const target = createTarget();
    await play(outputs.ndjson(target), [{ type: 'table', columns: ['A'], rows: [['1']], data: { a: 1 } }]);
    expect(JSON.parse(target.stdout)).toMatchObject({ type: 'table', data: { a: 1 } });
  });
});

describe('github', () => {
  it('is text with an annotation for what failed and what is warned of', async () => {
    const target = createTarget();
    await play(outputs.github(target), [{ type: 'warning', message: '50 % done\nand more' }, { type: 'failed', error: failure }]);
    expect(target.stderr).toContain('::warning title=kaito-ts::50 %25 done%0Aand more\n');
    expect(target.stderr).toContain('::error title=kaito-ts QuotaExceeded::No quota is left.%0Acores: 10 of 10 used%0Amore%0Aaz vm list-usage%0AAsk for more.\n');
    expect(target.stderr).toContain('error: No quota is left.');
  });

  it('annotates the lines of files, and of stdin without a file, and says nothing twice', async () => {
    const target = createTarget();
    const remarks = [{ severity: 'error' as const, code: 'name-invalid', message: 'Bad.\nWrite a: b.', file: 'a,b:c.yaml', line: 4, column: 7 }, { severity: 'warning' as const, code: 'odd', message: '::odd', line: 1, column: 1 }];
    await play(outputs.github(target), [{ type: 'item', item: {}, text: 'shown\n', remarks }, { type: 'failed', error: new UsageError('Two are wrong.', { remarks }) }]);
    const annotations = ['::error file=a%2Cb%3Ac.yaml,line=4,col=7,title=kaito-ts name-invalid::Bad.%0AWrite a: b.', '::warning title=kaito-ts odd::::odd'];
    expect(target.stderr.split('\n').filter((line) => line.startsWith('::'))).toEqual([...annotations, ...annotations]);
    expect(target.stdout).toBe('shown\n');
  });

  it('is text otherwise', async () => {
    const [annotated, plainTarget] = [createTarget(), createTarget()];
    await play(outputs.github(annotated), run);
    await play(outputs.text(plainTarget), run);
    expect([annotated.stdout, annotated.stderr]).toEqual([plainTarget.stdout, plainTarget.stderr]);
  });
});

describe('a plan for another workspace', () => {
  it('breaks a plan at words for a terminal, each line under its own beginning, and never for a pipe', async () => {
    const wordy: Plan = { ...plan, choices: [{ what: 'instance-type', value: '1 x Standard_NV36ads_A10_v5', why: 'the cheapest that fits and has quota: 7.1 GiB are needed and 24 are there' }], warnings: ['A model of 14 billion parameters is close to what this machine can hold at all.'] };
    const [narrow, narrated, piped] = [createTarget({ columns: 60, isOutTty: true }), createTarget({ columns: 60, isErrTty: true, colorLevel: 1 }), createTarget({ columns: 60 })];
    await play(outputs.text(narrow), [{ type: 'planned', plan: wordy, dryRun: true }]);
    await play(outputs.text(narrated), [{ type: 'planned', plan: wordy, dryRun: false }]);
    await play(outputs.text(piped), [{ type: 'planned', plan: wordy, dryRun: true }]);
    const lines = narrow.stdout.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines.slice(1, 4)).toEqual(['  instance-type  1 x Standard_NV36ads_A10_v5  (the cheapest', '                 that fits and has quota: 7.1 GiB are needed', '                 and 24 are there)']);
    expect(lines.slice(-3)).toEqual(['warning: A model of 14 billion parameters is close to what', '         this machine can hold at all.', '']);
    expect(stripVTControlCharacters(narrated.stderr)).toBe(`${narrow.stdout}\n`);
    expect(piped.stdout).toContain('(the cheapest that fits and has quota: 7.1 GiB are needed and 24 are there)\n');
  });

  it('is told with the name and place of that workspace', async () => {
    const target = createTarget();
    await play(outputs.text(target), [{ type: 'planned', plan: { ...plan, command: 'serve', workspace: tuningWorkspace({ metadata: { name: 'other', namespace: 'team' } }), target: { context: 'prod', server: '', namespace: 'team' } }, dryRun: true }]);
    expect(target.stdout.split('\n')[0]).toBe('Plan: serve other in namespace team of prod');
  });
});
