import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'tsdown';
import { readPresets, readTemplates, templateNames } from './src/manifests/files.ts';

const processImport = /^import process from ['"]node:process['"];?$/m;

export default defineConfig({
  entry: ['src/main.ts'],
  outDir: 'dist',
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  clean: true,
  dts: false,
  sourcemap: false,
  minify: true,
  // What every run needs is one file, because each further one takes time to find and to link. Everything else stays
  // apart until it is asked for. The file is as deep as its sources, so what lies beside them is found by the same way.
  outputOptions: { codeSplitting: { groups: [{ name: 'cli/commands', test: /\/src\/(?:(?:cli|commands)\/|terminal\/sanitise|domain\/azure-instance-types)/ }, { name: 'outputs/formats', test: /\/src\/outputs\// }] } },
  // Commands ask for modules when they need them; which of these share a file is decided above.
  checks: { ineffectiveDynamicImport: false },
  plugins: [
    {
      name: 'written-ahead',
      // These modules read folders. In the bundle they know what is there.
      load: {
        filter: { id: /\/src\/(cli\/find|manifests\/shipped)\.ts$/ },
        handler: async (id) => (id.endsWith('find.ts') ? listCommands() : await writeShipped()),
      },
    },
    {
      name: 'process-as-it-is',
      // Importing the module reads each of its properties, and that opens stdin. The global is the same object.
      transform: { filter: { code: processImport }, handler: (code) => code.replace(processImport, '') },
    },
    {
      name: 'third-party-notices',
      // What is bundled is distributed, and its licences ask to be told.
      generateBundle(_options, bundle) {
        const folders = new Set(Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds.flatMap((id) => packageFolder(id) ?? []) : [])));
        this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-NOTICES.txt', source: [...folders].sort().map(notice).join('\n\n') });
      },
    },
  ],
});

const listCommands = (): string => {
  const names = readdirSync('src/commands').map((file) => file.replace(/\.ts$/, '')).sort();
  return [
    ...names.map((name, index) => `import command${index} from '../commands/${name}.ts';`),
    `const commands = new Map([${names.map((name, index) => `['${name}', command${index}]`).join(', ')}]);`,
    'export const commandNames = async () => [...commands.keys()];',
    'export const loadCommand = async (name) => commands.get(name);',
  ].join('\n');
};

const writeShipped = async (): Promise<string> => {
  const [presets, templates] = await Promise.all([readPresets('presets'), readTemplates('templates')]);
  const contents = Object.fromEntries(templateNames.map((name) => [name, templates.template(name)]));
  return [
    `export const readShippedPresets = async () => ${parsed(presets)};`,
    `const templates = ${parsed({ contents, scripts: templates.scripts })};`,
    'export const readShippedTemplates = async () => ({ template: (name) => templates.contents[name], scripts: templates.scripts });',
  ].join('\n');
};

/** JSON in a string is read faster than code. */
const parsed = (value: unknown): string => `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;

const packageFolder = (moduleId: string): string | undefined => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId.replace(/^\0/, ''))?.[0];

const notice = (folder: string): string => {
  const { name, version, license }: { name: string; version: string; license?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = existsSync(folder) ? readdirSync(folder).find((candidate) => /^licen[cs]e/i.test(candidate)) : undefined;
  return `${name} ${version} (${typeof license === 'string' ? license : 'see its package'})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}`;
};
