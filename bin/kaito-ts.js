#!/usr/bin/env node
// Checked before anything is imported: on an older Node the libraries die with messages that name the wrong cause.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`kaito-ts needs Node 22.19 or newer, and this is ${process.version}.\nIn a checkout, \`npx kaito-ts\` uses the pinned Node; elsewhere install a current one from nodejs.org.\n`);
  process.exit(2);
}
// Compiled code is kept from one run to the next, beside what other programs keep; where that cannot be written, it is not.
const cacheFolder = process.env.XDG_CACHE_HOME ?? (process.env.HOME && `${process.env.HOME}/.cache`);
if (cacheFolder) process.getBuiltinModule('node:module').enableCompileCache(`${cacheFolder}/kaito-ts/compiled`);

const { main } = await import('../dist/main.mjs');
// Everything is written when main is done. A library's idle socket or timer must not keep the shell waiting.
process.exit(await main(process.argv.slice(2)));
