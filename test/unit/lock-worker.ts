import { mkdirSync, rmdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lock } from '../../src/cluster/lock.js';

// DIR die: takes the lock and is killed. DIR race | race-die: takes it five times, the last time maybe dying with it.
const [dir = '', what = ''] = process.argv.slice(2);
const say = (text: string): void => void writeSync(1, `${text}\n`);
const nap = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function wait(): () => void {
  for (;;) {
    try {
      return lock(dir, what);
    } catch {
      nap(3);
    }
  }
}

if (what === 'die') {
  lock(dir, what);
  process.kill(process.pid, 'SIGKILL');
}
for (let n = 0; n < 5; n++) {
  const release = wait();
  try {
    mkdirSync(join(dir, 'inside'));
  } catch {
    say('two are inside together');
  }
  nap(2);
  rmdirSync(join(dir, 'inside'));
  if (n === 4) say('had it');
  if (n === 4 && what === 'race-die') process.kill(process.pid, 'SIGKILL');
  release();
}
