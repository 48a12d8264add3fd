import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from '../support/cli.ts';
import { startTestApi, token, type TestApi } from '../sandbox/kube/support.ts';
import { countCalls } from './calls.ts';
import { measure, median, spread, type Measured, type Program } from './measure.ts';
import { forwardRows } from './port-forward.ts';
import { printRows, type Row } from './table.ts';
import { fillNamespace, writeWorkspaceFiles } from './workspaces.ts';

/**
 * Measures what this program promises to take. Times are ratios to a bare node, or to the named peer, of one run: on a slow
 * or busy machine both are slow. Ends with 1 when a budget is missed, unless KAITO_BENCH_PRINT_ONLY is set.
 */
const bench = async (): Promise<boolean> => {
  const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-bench-'));
  const api = await startTestApi();
  try {
    const environment = { HOME: folder, KUBECONFIG: await writeKubeconfig(folder, api) };
    fillNamespace(api.store, 'one', 1);
    fillNamespace(api.store, 'many', workspaceCount);
    const workspaces = join(folder, 'workspaces');
    await mkdir(workspaces);
    const presetCount = await writeWorkspaceFiles(workspaces);

    const bare: Program = { what: 'node -e 0', arguments: ['-e', '0'], environment };
    const command = (...args: string[]): Program => ({ what: args.join(' '), arguments: [binary, ...args], environment });
    const short = await measure([bare, command('--help'), command('completion', 'bash'), command('render', '--preset', 'phi-4-mini-instruct'), command('status', '-n', 'one')], { rounds: 15 });
    const long = await measure([bare, command('status', '-n', 'many'), command('render', '-f', workspaces, '-o', 'ndjson'), command('validate', '-f', workspaces)], { rounds: 9 });

    const [bareShort, help, completion, render, one] = short;
    const [bareLong, many, renderAll, validateAll] = long;
    if (!bareShort || !help || !completion || !render || !one || !bareLong || !many || !renderAll || !validateAll) throw new Error('Something was not measured.');
    const eachMs = (median(many.wallMs) - median(one.wallMs)) / (workspaceCount - 1);
    return printRows([
      ratioRow(help, bareShort, 1.8),
      ratioRow(completion, bareShort, 1.8),
      ratioRow(render, bareShort, 4),
      ratioRow(one, bareShort, 4),
      { ...ratioRow(many, bareLong, 4), what: `status of ${workspaceCount} workspaces` },
      { what: `  and for each of them`, median: `${eachMs.toFixed(2)} ms` },
      memoryRow(one, 120),
      { ...memoryRow(many, 120), what: `memory of status of ${workspaceCount}` },
      { what: `render and validate ${presetCount} presets`, ...secondsCells(renderAll, 2) },
      { what: '  and for each of them', median: `${((median(renderAll.wallMs) - median(render.wallMs)) / (presetCount - 1)).toFixed(1)} ms` },
      { what: `validate ${presetCount} presets`, ...secondsCells(validateAll, 2) },
      { what: '  and for each of them', median: `${((median(validateAll.wallMs) - median(bareLong.wallMs)) / presetCount).toFixed(1)} ms` },
      ...(await forwardRows({ api, environment })),
      ...(await countCalls()),
    ]);
  } finally {
    await api.close();
    await rm(folder, { recursive: true, force: true });
  }
};

const workspaceCount = 1000;

const ratioRow = (measured: Measured, bare: Measured, budget: number): Row => {
  const bareMs = median(bare.wallMs);
  const ratio = median(measured.wallMs) / bareMs;
  const [low, high] = spread(measured.wallMs);
  const cpu = median(measured.cpuMs) / median(bare.cpuMs);
  return {
    what: measured.what,
    median: `${median(measured.wallMs).toFixed(0)} ms`,
    ratio: `${ratio.toFixed(2)}x (${(low / bareMs).toFixed(2)}-${(high / bareMs).toFixed(2)}, cpu ${cpu.toFixed(2)}x)`,
    budget: `<= ${budget}x`,
    isMissed: ratio > budget,
  };
};

const memoryRow = (measured: Measured, budgetMiB: number): Row => {
  const peakMiB = median(measured.peakRssMiB);
  return { what: `memory of ${measured.what}`, median: `${peakMiB.toFixed(0)} MiB`, budget: `<= ${budgetMiB} MiB`, isMissed: peakMiB > budgetMiB };
};

const secondsCells = ({ wallMs }: Measured, budgetSeconds: number): Omit<Row, 'what'> => {
  const seconds = median(wallMs) / 1000;
  return { median: `${seconds.toFixed(2)} s`, budget: `<= ${budgetSeconds} s`, isMissed: seconds > budgetSeconds };
};

/** JSON is YAML. */
const writeKubeconfig = async (folder: string, api: TestApi): Promise<string> => {
  const path = join(folder, 'kubeconfig');
  await writeFile(
    path,
    JSON.stringify({
      'current-context': 'bench',
      contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
      clusters: [{ name: 'bench', cluster: { server: api.url, 'certificate-authority-data': Buffer.from(api.caPem).toString('base64') } }],
      users: [{ name: 'bench', user: { token } }],
    }),
    { mode: 0o600 },
  );
  return path;
};

const isWithinBudget = await bench();
if (!isWithinBudget && process.env['KAITO_BENCH_PRINT_ONLY'] === undefined) process.exitCode = 1;
