import { expect, it } from 'vitest';
import { replay } from './commands.js';
import type { Ending, Step } from './history.js';
import type { Setting } from './world.js';

/** Histories that once did not end well, as fast-check shrank them. */
const plain: Setting = { headnode: 'host', logins: 1, arrays: false, accounting: false };
const up = { do: 'up', nodes: 1, wait: false } as const;

const histories: readonly [what: string, setting: Setting, steps: readonly Step[], ending: Ending, says?: RegExp][] = [
  [
    'the laptop’s disk is full',
    plain,
    [{ do: 'disk', what: 'laptop', full: true }, up],
    'up',
    /directory \S+ can't be written: ENOSPC/,
  ],
  [
    'the laptop’s disk is full after a while',
    plain,
    [up, { do: 'disk', what: 'laptop', full: true }, { do: 'down' }],
    'down',
    /can't be written: ENOSPC/,
  ],
  [
    'killed after the payload was copied, before it was unpacked',
    plain,
    [{ ...up, fault: { at: 17, how: 'kill', when: 'after' } }, { do: 'lose' }],
    'up',
  ],
  [
    'killed while the payload is unpacked, which goes on while the cluster is taken down',
    plain,
    [{ ...up, fault: { at: 18, how: 'kill', when: 'amid', goesOn: true } }, { do: 'down' }],
    'up',
  ],
  [
    'the batch system is silent while glide-ins are submitted, and while that is undone',
    plain,
    [{ do: 'silence', seconds: 60 }, up],
    'up',
    /refused: Unable to contact/,
  ],
  [
    'killed while a refused submission is undone',
    plain,
    [
      { do: 'silence', seconds: 60 },
      { ...up, fault: { at: 25, how: 'kill', when: 'amid' } },
    ],
    'up',
  ],
  [
    'killed between the first two lines of the journal',
    plain,
    [{ ...up, fault: { at: 2, how: 'kill', when: 'before' } }],
    'up',
  ],
  [
    'half taken down on another laptop, of which the record here does not know',
    plain,
    [up, { do: 'silence', seconds: 60 }, { do: 'down', from: 'elsewhere' }, { do: 'pass', seconds: 4000 }],
    'up',
    /takes no more jobs of x: this cluster is being taken down/,
  ],
  [
    'killed before a submission that is no longer wanted',
    plain,
    [up, { do: 'scale', nodes: 3, fault: { at: 23, how: 'kill', when: 'before' } }, { do: 'scale', nodes: 1 }],
    'up',
  ],
  [
    'taken down while the batch system does not yet show a job that it took and answered too late',
    plain,
    [
      { do: 'submission', fate: 'taken' },
      { ...up, fault: { at: 22, how: 'kill', when: 'amid', point: 1 } },
      { do: 'queue', wait: 20, lag: 4000 },
      { do: 'down' },
    ],
    'up',
  ],
  [
    'cut off before anything was submitted, so that it could not be undone: the same command would be refused',
    plain,
    [{ ...up, fault: { at: 14, how: 'cut', when: 'before' } }, up],
    'up',
    /→ first take down what is left: scailfin down x; then: run the same command again\n.*\n.*\n.*→ finish taking it down first/,
  ],
  [
    'fewer glide-ins after the headnode was started again: the pool that has ended is not passed over in silence',
    plain,
    [
      { ...up, nodes: 2 },
      { do: 'restart', what: 'headnode' },
      { do: 'scale', nodes: 1 },
    ],
    'up',
    /warning: .* was restarted, so the pool has ended; `scailfin up x` starts it again/,
  ],
];

it.each(histories)('%s', async (_, setting, steps, ending, says) => {
  const story = await replay(setting, steps, ending);
  if (says) expect(story.told.join('\n')).toMatch(says);
});
