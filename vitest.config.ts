import { defineConfig } from 'vitest/config';

const CLUSTER = 'test/cluster/**/*.test.ts';

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [CLUSTER], testTimeout: 30_000, hookTimeout: 150_000 } },
      {
        test: {
          name: 'cluster',
          include: [CLUSTER],
          globalSetup: ['test/support/cluster/global-setup.ts'],
          // Pods come and go in seconds, many of them on a busy machine.
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
});
