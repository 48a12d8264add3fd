import { globSync } from 'node:fs';

/** After `npm test`: what it did not run, so that green is not taken for more than it is. */
const skipped = globSync(['test/{end-to-end,cluster/images}/**/*.test.ts', 'test/**/*.alone.test.ts']).toSorted();
process.stdout.write(`Skipped, since they need a real cluster (npm run test:cluster):\n${skipped.map((file) => `  ${file}\n`).join('')}`);
