import { defineConfig } from 'vitest/config';
import SlowestFirst from './test/setup/sequencer.js';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/temporary.ts'],
    setupFiles: ['test/setup/each.ts'],
    // most tests need a sixth of it by themselves, but they share two processors, maybe slow ones, with other files
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // what is asked again and again is often a program that starts anew each time: asked more often, it keeps the others waiting
    expect: { poll: { interval: 1500 } },
    // a worker loads what files share once; so a file leaves its process as it found it: environment, mocks, modules
    isolate: false,
    // `npm test` leaves these out
    tags: [
      {
        name: 'nightly',
        description:
          'Takes long, and shows in other surroundings, at more points or for longer what other tests show each time.',
        timeout: 300_000,
      },
    ],
    // a line for each file, and one more only for a test that takes very long
    slowTestThreshold: 30_000,
    sequence: { sequencer: SlowestFirst },
    // each may have a lab of its own up, and waits for it most of the time: it takes a third of a core
    maxWorkers: 6,
  },
});
