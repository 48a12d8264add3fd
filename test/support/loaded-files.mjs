// Preloaded into a child: tells on stderr, when it ends, which files it has loaded.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const loaded = [];
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) loaded.push(fileURLToPath(url));
    return nextLoad(url, context);
  },
});
process.on('exit', () => process.stderr.write(`\nLOADED ${JSON.stringify(loaded)}\n`));
