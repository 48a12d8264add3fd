import { defineCommand } from '../cli/command.ts';
import { choice, text, toggle } from '../cli/options.ts';
import { exitCodes } from '../domain/errors.ts';
import type { Requirement } from '../domain/requirement.ts';

export default defineCommand({
  summary: 'Say what is ready and what is missing for tuning and serving, and how to mend it',
  description: 'One line for each requirement: ✓ it holds, ✗ it does not, ? it could not be asked. All are looked at, whatever the others say, and nothing is changed. Exit code 10 when one does not hold.',
  usesCluster: true,
  arguments: [],
  options: {
    provisioner: choice('--provisioner <name>', 'where GPU nodes come from: a new AKS agent pool, or existing nodes, for which Azure is not asked', ['aks', 'byo'], 'aks'),
    registry: text('--registry <prefix>', 'where adapters are to be pushed, such as myregistry.azurecr.io/adapters'),
    outputImageSecret: text('--output-image-secret <name>', 'Secret with the credentials to push there'),
    installDevicePlugin: toggle('--install-device-plugin', 'first apply NVIDIA’s device plugin, if there is none'),
  },
  examples: ['doctor', 'doctor --provisioner byo', 'doctor -o json', 'doctor --install-device-plugin'],
  async *run({ options }, context) {
    const { signal } = context;
    if (options.installDevicePlugin) {
      const [{ installDevicePlugin }, { renderDevicePlugin }, templates] = await Promise.all([import('../flow/device-plugins.ts'), import('../manifests/device-plugin.ts'), context.templates()]);
      yield* installDevicePlugin(await context.cluster(), renderDevicePlugin(templates), signal);
    }
    const [{ examine }, { azureHint }, { askRegistry }] = await Promise.all([import('../flow/examine.ts'), import('../cli/azure-hint.ts'), import('../registry/ask.ts')]);
    const { registry, outputImageSecret } = options;
    const asked = examine({
      cluster: context.cluster(),
      signal,
      ...(options.provisioner === 'aks' ? { azure: { cloud: context.cloud(), hint: azureHint(context.globals) } } : {}),
      ...(registry === undefined ? {} : { registry: { prefix: registry, push: askRegistry(`${registry.replace(/\/+$/, '')}/kaito-ts-doctor`, outputImageSecret, signal), ...(outputImageSecret === undefined ? {} : { secret: outputImageSecret }) } }),
    });
    const width = Math.max(...asked.map(({ what }) => what.length));
    const told: Requirement[] = [];
    for (const { answer } of asked) {
      const requirement = await answer;
      signal.throwIfAborted();
      told.push(requirement);
      yield { type: 'item', item: requirement, text: render(requirement, width) };
    }
    const count = (verdict: Requirement['verdict']): number => told.filter((requirement) => requirement.verdict === verdict).length;
    const summary = [`${count('passed')} ${count('passed') === 1 ? 'holds' : 'hold'}`, `${count('refused')} ${count('refused') === 1 ? 'does' : 'do'} not`, `${count('unknown')} could not be asked`].join(', ');
    yield { type: 'result', result: { passed: count('passed'), refused: count('refused'), unknown: count('unknown') }, summary: [`${summary}.`] };
    if (count('refused') > 0) yield { type: 'exit', exitCode: exitCodes.preflightRefused };
  },
});

const signs: Record<Requirement['verdict'], string> = { passed: '✓', refused: '✗', unknown: '?' };

const render = ({ what, verdict, fact, remedy }: Requirement, width: number): string =>
  `${signs[verdict]} ${what.padEnd(width)}  ${oneLine(fact)}\n${remedy === undefined || verdict === 'passed' ? '' : `  ${' '.repeat(width)}  hint: ${remedy}\n`}`;

const oneLine = (fact: string): string => fact.trim().replaceAll(/\s*\n\s*/g, '; ');
