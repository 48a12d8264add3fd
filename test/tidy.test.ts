import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectFolder } from './support/project.ts';

/** The repository checks itself. Each failure says what to do. */

const sourceFolder = join(projectFolder, 'src');

const filesBelow = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));

interface Import {
  file: string;
  target: string;
  isTypeOnly: boolean;
}

const importsOf = (path: string): Import[] => {
  const text = readFileSync(path, 'utf8');
  const file = relative(projectFolder, path);
  const statements = [...text.matchAll(/^(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm)].map(([, , type, target = '']) => ({ file, target, isTypeOnly: type !== undefined }));
  const dynamic = [...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)].map(([, target = '']) => ({ file, target, isTypeOnly: false }));
  return [...statements, ...dynamic];
};

const sources = filesBelow(sourceFolder, /\.ts$/);
const allImports = sources.flatMap(importsOf);

const folderOf = (file: string): string => relative('src', file).split('/')[0] ?? '';

const targetFolderOf = ({ file, target }: Import): string | undefined => {
  if (!target.startsWith('.')) return undefined;
  const path = relative(sourceFolder, resolve(projectFolder, dirname(file), target));
  return path.startsWith('..') ? undefined : path.split('/')[0];
};

/** Who may import whom, values and types alike; arrows point up this list. Interface files named in `interfaces` may be imported as types by anyone below. */
const allowed: Record<string, string[]> = {
  domain: [],
  runtimes: ['domain'],
  manifests: ['domain', 'runtimes'],
  provisioners: ['domain'],
  plan: ['domain', 'runtimes', 'manifests', 'provisioners'],
  validation: ['domain', 'plan', 'manifests', 'runtimes'],
  terminal: ['domain'],
  cluster: ['domain'],
  cloud: ['domain'],
  registry: ['domain'],
  hub: ['domain'],
  dataset: ['domain'],
  chat: ['domain', 'cluster', 'terminal'],
  flow: ['domain', 'cluster', 'cloud', 'manifests'],
  outputs: ['domain'],
  sandbox: ['domain'],
  cli: ['domain'],
  commands: ['domain', 'runtimes', 'manifests', 'provisioners', 'plan', 'validation', 'terminal', 'cluster', 'registry', 'dataset', 'chat', 'flow', 'cli'],
};

/** Wiring types: `cli` names what a command receives without depending on it. */
const typeOnly: Record<string, string[]> = { cli: ['cloud', 'cluster', 'hub', 'manifests', 'terminal'] };

/** The one command that starts servers instead of talking to them. */
const sandboxCommand = 'src/commands/sandbox.ts';

describe('the layout', () => {
  it('keeps the import directions: move the code down, or pass it in as a parameter', () => {
    const wrong = allImports.filter((imported) => {
      const from = folderOf(imported.file);
      const to = targetFolderOf(imported);
      if (to === undefined || to === from || from === 'main.ts' || to === 'version.ts') return false;
      if (imported.file === sandboxCommand && to === 'sandbox') return false;
      if (imported.isTypeOnly && typeOnly[from]?.includes(to)) return false;
      return !(allowed[from] ?? []).includes(to);
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('knows every folder of src: add a new one to the table of import directions', () => {
    const folders = readdirSync(sourceFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).filter((name) => !(name in allowed))).toEqual([]);
  });

  it.each([
    ['@kubernetes/client-node', ['src/cluster/kubernetes.ts']],
    ['@azure/', ['src/cloud/azure.ts']],
  ])('imports %s for values in one file only: everything else goes through the interface beside it', (sdk, files) => {
    const users = new Set(allImports.filter(({ target, isTypeOnly }) => !isTypeOnly && target.startsWith(sdk)).map(({ file }) => file));
    expect([...users].filter((file) => !files.includes(file))).toEqual([]);
  });

  it('touches process in main, in the real terminal and where the sandbox starts only: pass what you need', () => {
    const users = sources.filter((path) => /\bprocess\.(?:argv|cwd|env|exit|exitCode|execPath|kill|off|on|once|pid|platform|std\w+|versions?)\b|from 'node:process'/.test(readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')));
    expect(users.map((path) => relative(projectFolder, path)).sort()).toEqual(['src/main.ts', 'src/terminal/system.ts']);
  });

  it('leaves nobody but its own command knowing that the sandbox exists', () => {
    const knowing = allImports.filter(({ file, target }) => /(^|\/)sandbox(\/|\.ts$)/.test(target) && folderOf(file) !== 'sandbox' && file !== sandboxCommand);
    expect(knowing).toEqual([]);
  });
});

describe('presets', () => {
  it.each(filesBelow(join(projectFolder, 'presets'), /\.yaml$/).map((path) => [relative(projectFolder, path)]))('%s is named as its file', (file) => {
    const parsed: unknown = parse(readFileSync(join(projectFolder, file), 'utf8'));
    expect(parsed).toMatchObject({ name: file.replace(/^presets\//, '').replace(/\.yaml$/, '') });
  });
});

describe('the repository', () => {
  it('has no leftover marks: finish the work or delete the remark', () => {
    const marked = [...sources, ...filesBelow(join(projectFolder, 'test'), /\.ts$/)].filter((path) => !path.endsWith('tidy.test.ts') && /\b(FIXME|XXX|TODO|HACK)\b/.test(readFileSync(path, 'utf8')));
    expect(marked.map((path) => relative(projectFolder, path))).toEqual([]);
  });

  it('has only links in its documents that lead somewhere', () => {
    const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesBelow(join(projectFolder, 'docs'), /\.md$/).map((path) => relative(projectFolder, path))];
    const dead = documents.flatMap((document) =>
      [...readFileSync(join(projectFolder, document), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(resolve(projectFolder, dirname(document), target)))
        .map((target) => `${document}: ${target}`),
    );
    expect(dead).toEqual([]);
  });
});
