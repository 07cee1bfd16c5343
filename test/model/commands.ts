import fc from 'fast-check';
import type { Ending, Second, Step } from './history.js';
import type { Fault } from './laptop.js';
import { Story } from './story.js';
import type { Setting } from './world.js';

/** What the model of fast-check knows: only that commands and faults may come in any order. The world itself is in the story. */
type Model = Readonly<Record<string, never>>;

/** One step as a command of fast-check's model-based runner; it is printed as it can be written down in a test. */
class Command implements fc.AsyncCommand<Model, Story> {
  constructor(readonly step: Step) {}

  check(): boolean {
    return true;
  }

  async run(_: Model, story: Story): Promise<void> {
    await story.step(this.step);
  }

  toString(): string {
    return JSON.stringify(this.step);
  }
}

const fault: fc.Arbitrary<Fault> = fc.record(
  {
    at: fc.integer({ min: 1, max: 40 }),
    how: fc.constantFrom('kill', 'cut'),
    when: fc.constantFrom('before', 'amid', 'after'),
    point: fc.integer({ min: 0, max: 4 }),
    goesOn: fc.boolean(),
  },
  { requiredKeys: ['at', 'how', 'when'] },
);

const second: fc.Arbitrary<Second> = fc.record({
  after: fc.integer({ min: 0, max: 8000 }),
  from: fc.constantFrom('here', 'elsewhere'),
});

const nodes = fc.integer({ min: 1, max: 3 });
const faulty: { requiredKeys: 'do'[] } = { requiredKeys: ['do'] };

const steps: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Step>])[] = [
  [
    10,
    fc.record(
      { do: fc.constant('up' as const), nodes, wait: fc.boolean(), fault },
      { requiredKeys: ['do', 'nodes', 'wait'] },
    ),
  ],
  [1, fc.record({ do: fc.constant('up' as const), nodes, wait: fc.boolean(), second })],
  [4, fc.record({ do: fc.constant('scale' as const), nodes, fault }, { requiredKeys: ['do', 'nodes'] })],
  [4, fc.record({ do: fc.constant('down' as const), fault }, faulty)],
  [
    1,
    fc.record(
      { do: fc.constant('down' as const), fault, from: fc.constant('elsewhere' as const) },
      { requiredKeys: ['do', 'from'] },
    ),
  ],
  [1, fc.record({ do: fc.constant('down' as const), second })],
  [2, fc.record({ do: fc.constant('status' as const), fault }, faulty)],
  [2, fc.record({ do: fc.constant('pass' as const), seconds: fc.constantFrom(1, 5, 30, 200, 700, 4000) })],
  [2, fc.record({ do: fc.constant('restart' as const), what: fc.constantFrom('headnode', 'login', 'laptop') })],
  [3, fc.record({ do: fc.constant('submission' as const), fate: fc.constantFrom('refused', 'taken', 'lost') })],
  [1, fc.record({ do: fc.constant('silence' as const), seconds: fc.constantFrom(3, 60, 400) })],
  [
    1,
    fc.record({
      do: fc.constant('queue' as const),
      wait: fc.constantFrom(1, 20, 200),
      lag: fc.constantFrom(0, 4000, 30_000),
    }),
  ],
  [
    1,
    fc.record({
      do: fc.constant('network' as const),
      what: fc.constantFrom('site', 'headnode'),
      seconds: fc.constantFrom(1, 60),
    }),
  ],
  [
    2,
    fc.record({
      do: fc.constant('disk' as const),
      what: fc.constantFrom('laptop', 'headnode', 'site'),
      full: fc.boolean(),
    }),
  ],
  [1, fc.record({ do: fc.constant('node' as const) })],
  [1, fc.record({ do: fc.constant('lead' as const) })],
  [1, fc.record({ do: fc.constant('lose' as const) })],
];

export const setting: fc.Arbitrary<Setting> = fc.record({
  headnode: fc.constantFrom('host', 'local', 'login'),
  logins: fc.constantFrom(1, 2),
  arrays: fc.boolean(),
  accounting: fc.boolean(),
});

/**
 * Random histories, each of which must end well.
 * @throws the shrunk history that does not, as fast-check prints it
 */
export async function check(options: { readonly seed: number; readonly numRuns: number }): Promise<void> {
  const restore = await Story.ready();
  const histories = fc.commands(
    steps.flatMap(([weight, arbitrary]) =>
      Array<fc.Arbitrary<Command>>(weight).fill(arbitrary.map(step => new Command(step))),
    ),
    { maxCommands: 9, size: 'max' },
  );
  const ending = fc.constantFrom<Ending>('up', 'down');
  const property = fc.asyncProperty(setting, histories, ending, async (given, commands, last) => {
    const story = new Story(given);
    try {
      await fc.asyncModelRun(() => ({ model: {}, real: story }), commands);
      await story.end(last);
    } finally {
      story.close();
    }
  });
  await fc.assert(property, { ...options, includeErrorInReport: true }).finally(restore);
}

/** A history that was written down. */
export async function replay(given: Setting, written: readonly Step[], ending: Ending): Promise<Story> {
  const restore = await Story.ready();
  const story = new Story(given);
  try {
    for (const step of written) await story.step(step);
    await story.end(ending);
    return story;
  } finally {
    story.close();
    restore();
  }
}
