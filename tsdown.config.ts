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
});
