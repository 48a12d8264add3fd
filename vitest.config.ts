import { configDefaults, defineConfig } from 'vitest/config';

// vitest needs the pinned Node: started by hand with an old one it fails with a message that explains nothing.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  throw new Error(`These tests need Node >= 22.19 and this is ${process.version}: run them with \`npm test\` or \`npx vitest\`, which use the pinned Node.`);
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need a real cluster, or Go to build what runs there: `npm run test:cluster`.
    exclude: [...configDefaults.exclude, 'test/end-to-end/**', 'test/cluster/images/**', '**/*.alone.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'threads',
    // A machine that stalls for a moment exceeds bounds that the sandbox plays faster than time. A second try is reported.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
