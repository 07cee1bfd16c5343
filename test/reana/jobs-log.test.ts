import { readFileSync } from 'node:fs';
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFollower } from '../../src/htcondor/follow.js';
import { type JobEvent, type LoggedEvent, parseEvent, takeEvents } from '../../src/htcondor/userlog.js';

const recorded = (name: string): Buffer => readFileSync(new URL(`../recordings/${name}.log`, import.meta.url));
const log = recorded('htcondor-events');
const kindsOf = (events: readonly LoggedEvent[], job: string) =>
  events.filter(({ event }) => event.job === job && event.kind !== 'transfer').map(({ event }) => event.kind);
const one = <K extends JobEvent['kind']>(events: readonly LoggedEvent[], job: string, kind: K) =>
  events.find(({ event }) => event.job === job && event.kind === kind)?.event as JobEvent & { readonly kind: K };

describe("HTCondor's event log", () => {
  const { events, rest } = takeEvents(log);

  it('is read whole', () => {
    expect(rest).toBe(log.length);
    expect(events).toHaveLength(log.toString().match(/^\.\.\.$/gm)?.length as number);
    expect(events.filter(({ event }) => event.kind === 'other')).toEqual([]);
    const ends = events.map(({ end }) => end);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(ends.at(-1)).toBe(log.length);
  });

  it('tells of a job that ended by itself', () => {
    expect(kindsOf(events, '1.2')).toEqual(['submitted', 'executing', 'imageSize', 'terminated']);
    expect(one(events, '1.2', 'submitted').notes).toBe('step-c');
    expect(one(events, '1.2', 'executing')).toMatchObject({ slot: 'slot1_2@c2', node: 'c2' });
    expect(one(events, '1.2', 'terminated')).toMatchObject({ exitCode: 3, signal: undefined });
    expect(one(events, '1.2', 'terminated').at).toBe(new Date(2026, 10, 22, 9, 56, 38).getTime());
  });

  it('tells why a job was held', () => {
    expect(kindsOf(events, '1.3')).toContain('remoteError');
    const held = one(events, '1.3', 'held');
    expect(held.code).toBe(12);
    expect(held.reason).toMatch(/^Transfer output files failure at execution point slot1_2@1_1@c1/);
  });

  it('tells of a schedd that was away, of a job sent away, and of a node that was lost', () => {
    expect(kindsOf(events, '1.0')).toEqual(
      expect.arrayContaining(['executing', 'disconnected', 'reconnected', 'terminated']),
    );
    expect(one(events, '1.0', 'disconnected')).toMatchObject({
      reason: 'Local schedd and job shadow died, schedd now running again',
      node: 'c1',
    });
    expect(one(events, '2.0', 'evicted').reason).toBe('User requested the job to vacate');
    const lost = takeEvents(recorded('htcondor-events-lost')).events;
    const kinds = ['submitted', 'executing', 'imageSize', 'disconnected', 'reconnectFailed', 'evicted'];
    expect(kindsOf(lost, '1.0')).toEqual(kinds);
    const reason = 'Job disconnected too long: JobLeaseDuration (20 seconds) expired';
    expect(one(lost, '1.0', 'reconnectFailed').reason).toBe(reason);
    expect(one(lost, '1.0', 'evicted').reason).toBe(reason);
  });

  it('is read alike, wherever it is cut', () => {
    for (let cut = 1; cut < log.length; cut += 97) {
      const first = takeEvents(log.subarray(0, cut));
      const second = takeEvents(log.subarray(first.rest), first.rest);
      expect([...first.events, ...second.events]).toEqual(events);
    }
  });

  it('loses only the event that its writer never finished', () => {
    const text = log.toString();
    const cut = text.indexOf('Job terminated.');
    const next = text.indexOf('\n006 (001.000.000)');
    const damaged = Buffer.from(`${text.slice(0, cut)}${text.slice(next)}`);
    const read = takeEvents(damaged).events;
    expect(read).toHaveLength(events.length - 1);
    expect(kindsOf(read, '1.2')).not.toContain('terminated');
    expect(kindsOf(read, '1.0')).toEqual(kindsOf(events, '1.0'));
  });

  it('is understood in older words', () => {
    const old =
      '005 (042.007.000) 12/31 23:59:58 Job terminated.\n\t(0) Abnormal termination (signal 9)\n\t(0) No core file';
    const now = new Date(2026, 0, 1, 12).getTime();
    const at = new Date(2025, 11, 31, 23, 59, 58).getTime();
    expect(parseEvent(old, now)).toEqual({ job: '42.7', at, kind: 'terminated', exitCode: undefined, signal: 9 });
    const utc = '009 (1.0.0) 2026-11-22T09:56:35.250Z Job was aborted.\n\tvia condor_rm (by user scail)';
    const reason = 'via condor_rm (by user scail)';
    expect(parseEvent(utc)).toEqual({
      job: '1.0',
      at: Date.UTC(2026, 10, 22, 9, 56, 35, 250),
      kind: 'aborted',
      reason,
    });
    expect(parseEvent('nothing of the kind')).toBeUndefined();
  });
});

describe('following a log', () => {
  let dir: string;
  let follower: LogFollower | undefined;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'scailfin-log-'));
  });
  afterEach(async () => {
    await follower?.close();
    await rm(dir, { recursive: true });
  });

  it('tells each event once, soon, and in order', async () => {
    const path = join(dir, 'events.log');
    const heard: LoggedEvent[] = [];
    follower = await LogFollower.open(path, 0, events => heard.push(...events));
    for (let at = 0; at < log.length; at += 1000) await appendFile(path, log.subarray(at, at + 1000));
    await expect.poll(() => heard.length, { timeout: 3000 }).toBe(takeEvents(log).events.length);
    expect(heard).toEqual(takeEvents(log).events);
  });

  it('goes on where it had been, and starts again where the log is another one', async () => {
    const path = join(dir, 'events.log');
    await writeFile(path, log);
    const { events } = takeEvents(log);
    const heard: LoggedEvent[] = [];
    follower = await LogFollower.open(path, (events[9] as LoggedEvent).end, found => heard.push(...found));
    expect(heard).toEqual(events.slice(10));
    await follower.close();
    heard.length = 0;
    await truncate(path, (events[3] as LoggedEvent).end);
    follower = await LogFollower.open(path, log.length, found => heard.push(...found));
    expect(heard).toEqual(events.slice(0, 4));
  });
});
