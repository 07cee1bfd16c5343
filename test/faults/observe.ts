import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '../../src/cluster/journal.js';
import { LocalHost } from '../../src/hosts/local.js';
import { SshHost } from '../../src/hosts/ssh.js';
import { named } from './naming.js';
import { type Action, meeting, type Plan, RECORD, type Trace, variable } from './point.js';

const given = process.env[variable] ?? RECORD;
const plan: Plan | undefined = given === RECORD ? undefined : JSON.parse(given);

type Work = (...args: unknown[]) => unknown;

/** An action may use other functions of its port: together they are one. */
const isWithin = new AsyncLocalStorage<true>();

/** Puts itself around all that hosts and the journal can do, so that no action is missed that is added to them. */
export function observe(): void {
  for (const port of [SshHost.prototype, LocalHost.prototype]) wrapAll(port, self => addressOf(self), ['close']);
  wrapAll(SshHost, (_, [target]) => (target as { host: string }).host, []);
  const { append } = Journal.prototype;
  Journal.prototype.append = function (this: Journal, entry) {
    const action = actionOf('journal', entryName(entry));
    reach(action, 'before');
    append.call(this, entry);
    reach(action, 'after');
  };
}

const addressOf = (self: unknown): string => (self as { address: string }).address;

/** The state, and how far a submission is, tell entries of one type apart. */
function entryName(entry: { readonly type: string }): string {
  const { type, state, batch } = entry as { type: string; state?: string; batch?: { outcome?: string } };
  return [type, state ?? batch?.outcome].filter(Boolean).join(' ');
}

function wrapAll(port: object, where: (self: unknown, args: unknown[]) => string, except: readonly string[]): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(port))) {
    if (typeof value !== 'function' || name === 'constructor' || except.includes(name)) continue;
    const work = value as Work;
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      if (isWithin.getStore()) return work.apply(this, args);
      const action = actionOf(where(this, args), named(name, args));
      return act(action, this, () => isWithin.run(true, async () => work.apply(this, args)));
    };
    Object.defineProperty(port, name, { value: wrapped, configurable: true, writable: true });
  }
}

async function act(action: Action, self: unknown, work: () => Promise<unknown>): Promise<unknown> {
  reach(action, 'before');
  // a signal is handled when the event loop comes round
  if (plan?.at === action.key) await new Promise(resolve => setTimeout(resolve, 30));
  if (plan?.at === action.key && plan.when === 'amid') setTimeout(() => strike(action), plan.ms ?? 0);
  try {
    const answer = await work();
    if (plan?.at === action.key && plan.isLost) {
      reach(action, 'after');
      await isWithin.run(true, () => (self as SshHost).run(['true']));
      throw new Error('the connection should have been cut');
    }
    return answer;
  } finally {
    if (!plan?.isLost) reach(action, 'after');
  }
}

const counts = new Map<string, number>();

function actionOf(where: string, what: string): Action {
  const name = `${where}: ${what}`;
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return { key: `${name}, #${count}`, where, what };
}

function reach(action: Action, when: 'before' | 'after'): void {
  note(action, when === 'before' ? 'begins' : 'ends');
  if (plan === undefined) meet(action, when);
  else if (plan.at === action.key && plan.when === when) strike(action);
}

function strike(action: Action): void {
  note(action, 'fault');
  if (plan?.signal) process.kill(process.pid, plan.signal);
  else meet(action, 'fault');
}

function note(action: Action, phase: Trace['phase']): void {
  const line: Trace = { ...action, phase, at: Date.now() };
  appendFileSync(join(meeting, 'trace'), `${JSON.stringify(line)}\n`);
}

let asked = 0;

/** The process stands still, as it must where the journal is written, until whoever waits at the meeting place has acted. */
function meet(action: Action, what: string): void {
  asked += 1;
  const [ask, go] = [`ask.${asked}`, `go.${asked}`].map(name => join(meeting, name)) as [string, string];
  writeFileSync(`${ask}~`, JSON.stringify({ ...action, what }));
  writeFileSync(ask, '');
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(go)) Atomics.wait(nothing, 0, 0, 10);
}
