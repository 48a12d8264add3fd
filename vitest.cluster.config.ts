import { defineConfig } from 'vitest/config';

const isGiven = process.env['KAITO_TEST_KUBECONFIG'] !== undefined;

/** What reads, and writes in namespaces of the tests' own. */
const harmless = ['test/conformance/live.test.ts', 'test/end-to-end/any-cluster.test.ts'];

/** What shares a cluster that we made: nodes come and go there, and images come from registries of our own. */
const side = {
  name: 'side by side',
  include: isGiven ? harmless : ['test/conformance/live.test.ts', 'test/{end-to-end,cluster/images}/**/*.test.ts'],
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

// Real components have bounds of their own, which a machine that stalls for a moment exceeds. A second try is reported.
const retry = process.env['CI'] === undefined ? 0 : 1;

const common = { testTimeout: 300_000, hookTimeout: 300_000, pool: 'threads' as const, retry };

export default defineConfig({
  test: {
    globalSetup: ['test/cluster/real/global-setup.ts'],
    projects: (isGiven ? [side] : [side, alone]).map((project) => ({ test: { ...common, ...project } })),
  },
});
