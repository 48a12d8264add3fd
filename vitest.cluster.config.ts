import { defineConfig } from 'vitest/config';

const isGiven = process.env['KAITO_TEST_KUBECONFIG'] !== undefined;

/** What is done to a cluster that others use too, in namespaces of the tests' own. */
const side = {
  name: 'side by side',
  include: ['test/conformance/**/*.test.ts', 'test/end-to-end/**/*.test.ts'],
  exclude: ['**/*.alone.test.ts'],
  maxWorkers: 4, // They wait for pods more than they work.
  sequence: { groupOrder: 0 },
};

/** What stops components or fills disks, or measures the machine. Only a cluster that we made is for that. */
const alone = {
  name: 'alone',
  include: ['test/{conformance,end-to-end,cluster/real}/**/*.alone.test.ts'],
  fileParallelism: false,
  sequence: { groupOrder: 1 },
};

const common = { testTimeout: 180_000, hookTimeout: 180_000, pool: 'threads' as const };

export default defineConfig({
  test: {
    globalSetup: ['test/cluster/real/global-setup.ts'],
    projects: (isGiven ? [side] : [side, alone]).map((project) => ({ test: { ...common, ...project } })),
  },
});
