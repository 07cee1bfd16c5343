import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { Group } from '../setup/group.js';

const reason = Group.make('trial')?.end() ? '' : ' (skipped: this machine lets us make no control group)';

it.skipIf(reason !== '')(`a group counts what a program leaves running, too${reason}`, async () => {
  const group = Group.make('unit') as Group;
  // the program ends at once; its child, in a session of its own, works for a while
  const work = 'n=0; while [ $n -lt 200000 ]; do n=$((n + 1)); done';
  const [file, args] = group.within('sh', ['-c', 'setsid sh -c "$0" </dev/null >/dev/null 2>&1 &', work]);
  expect(spawnSync(file, args).status).toBe(0);
  expect(group.end()).toBe(false);
  let used = 0;
  await until('the child to end', 60_000, () => {
    used = group.seconds;
    return group.end();
  });
  expect(used).toBeGreaterThan(0.05);
});

it.skipIf(reason !== '')(`a process enters a group, and leaves it again${reason}`, () => {
  const group = Group.make('unit-own') as Group;
  const leave = group.enter();
  try {
    spawnSync('sh', ['-c', 'n=0; while [ $n -lt 200000 ]; do n=$((n + 1)); done']);
  } finally {
    leave();
  }
  const used = group.seconds;
  spawnSync('sh', ['-c', 'n=0; while [ $n -lt 200000 ]; do n=$((n + 1)); done']);
  expect(used).toBeGreaterThan(0.05);
  expect(group.seconds).toBe(used);
  expect(group.end()).toBe(true);
});
