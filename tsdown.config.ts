import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'tsdown';

// Every command is an entry of its own: the file name is the command's name, in `src` and in `dist` alike,
// so the command line finds commands by listing a folder and loads only the one that was asked for.
export default defineConfig({
  entry: ['src/main.ts', 'src/commands/*.ts'],
  outDir: 'dist',
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  clean: true,
  dts: false,
  sourcemap: false,
  minify: true,
  plugins: [
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

const packageFolder = (moduleId: string): string | undefined => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId.replace(/^\0/, ''))?.[0];

const notice = (folder: string): string => {
  const { name, version, license }: { name: string; version: string; license?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = existsSync(folder) ? readdirSync(folder).find((candidate) => /^licen[cs]e/i.test(candidate)) : undefined;
  return `${name} ${version} (${typeof license === 'string' ? license : 'see its package'})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}`;
};
