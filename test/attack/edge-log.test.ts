import { appendFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LogFollower } from '../../src/htcondor/follow.js';
import { type JobEvent, parseEvent } from '../../src/htcondor/userlog.js';
import { attack } from './attack.js';

const at = '2026-11-28 09:00:00';
const good = (n: number): string =>
  `005 (${n}.000.000) ${at} Job terminated.\n\t(1) Normal termination (return value 0)\n...\n`;

attack(
  { by: 'a compute node', on: 'here', what: 'writes an event without end into the log of all steps' },
  async count => {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-log-'));
    try {
      const log = join(dir, 'events.log');
      const told: JobEvent[] = [];
      writeFileSync(log, good(1));
      const follower = await LogFollower.open(log, 0, events => told.push(...events.map(({ event }) => event)));
      for (const [n, filler] of [`012 (9.0.0) ${at} `, '\n'.repeat(100), 'x', '1 ', '...x\n'].entries()) {
        appendFileSync(log, `012 (9.000.000) ${at} Job was held.\n\t`);
        appendFileSync(log, filler.repeat(Math.ceil((12 << 20) / filler.length)));
        appendFileSync(log, `\n...\n${good(2 + n)}`);
        await follower.catchUp();
        expect(told.at(-1)?.job, filler).toBe(`${2 + n}.0`);
        count();
      }
      await follower.close();
      // nothing was kept of it in one piece
      expect(Math.max(...told.map(event => JSON.stringify(event).length))).toBeLessThan(1000);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);

attack(
  { by: 'a compute node', on: 'here', what: 'gives reasons and names that are long, or write on a terminal' },
  count => {
    const odd = `\u001b]0;owned\u0007\u009b2J\u202e${'x'.repeat(100_000)}`;
    const bodies = [
      `012 (1.0.0) ${at} Job was held.\n\tError from ${odd}\n\tCode 12 Subcode 0`,
      `007 (1.0.0) ${at} Shadow exception!\n\t${odd}`,
      `022 (1.0.0) ${at} Job disconnected, attempting to reconnect\n    ${odd}\n    Trying to reconnect to slot1@${odd} <1.2.3.4>`,
      `001 (1.0.0) ${at} Job executing on host: <1.2.3.4:5?alias=${odd}>\n\tSlotName: slot1@${odd}`,
      `009 (1.0.0) ${at} Job was aborted.\n\t${odd}`,
      `006 (1.0.0) ${at} Image size of job updated: 1\n\t${'1'.repeat(60_000)}`,
      `006 (1.0.0) ${at} Image size of job updated: 1\n\t1${' '.repeat(60_000)}`,
      `022 (1.0.0) ${at} Job disconnected\n ${'to @'.repeat(15_000)}`,
    ];
    for (const text of bodies) {
      const event = parseEvent(text);
      expect(event).toBeDefined();
      expect(Object.values(event ?? {}).join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(JSON.stringify(event).length).toBeLessThan(1500);
      count();
    }
  },
);
