import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * Files that change or measure their whole process: a builder with another schema, a tracer for the process, patched
 * prototypes, the memory in use, servers as root. Each gets a process of its own.
 */
const alone = [
  'test/documents/transfer-memory.test.ts',
  'test/embedded/**/*.test.ts',
  'test/graphql/{authentication,bad-input,builder,documents,event-stream,query-limits,socket,stop}.test.ts',
  'test/load/mutants.test.ts',
  'test/faults/queue-mutants.test.ts',
  'test/log.test.ts',
  'test/telemetry/**/*.test.ts',
];

// Vitest reads its configuration from a default export.
export default defineConfig({
  // Vite would take graphql's `module` entry for our files while Node takes `main` for libraries: two copies, which
  // refuse each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    globalSetup: ['test/support/start-servers.ts'],
    pool: 'forks',
    // More than the two cores of a small machine: much of what tests do is to wait for servers.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          // To load the product takes a process longer than most files take to run, so these share theirs. They leave
          // nothing behind: what a test replaces is put back, whether it did so itself or not.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          unstubGlobals: true,
        },
      },
    ],
  },
});
