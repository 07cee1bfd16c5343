/*
 * `npm run faults`: faults at each point at which a command acts on a machine or writes in its journal, on labs.
 *   npm run faults -- [--seed S] [--only SCENARIO:FAULT:POINT] [--time 20m] [--labs N] [--both] [--kept FILE] [--json]
 * With --kept, results are added to a file, and what is there is not tried again: the whole table takes hours.
 * Each part of SCENARIO:FAULT:POINT may be empty; POINT is a regular expression. It ends with status 1 if anything was not as it must be.
 */
import { parseArgs } from 'node:util';
import { parseDuration } from '../../src/units.js';
import { campaign, type Wish } from './campaign.js';
import { Kept } from './kept.js';
import type { Point } from './point.js';
import { scenarios } from './scenarios.js';
import { counts, legend, table } from './table.js';
import type { Result } from './trial.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const { values } = parseArgs({
  options: { seed: text, only: text, time: text, labs: text, both: flag, kept: text, json: flag },
});
const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const seconds = values.time === undefined ? Number.POSITIVE_INFINITY : parseDuration(values.time);
if (seconds === undefined) throw new Error(`--time ${values.time}: a time is like 20m`);
const [scenario = '', fault = '', point = ''] = (values.only ?? '').split(/:(?! )/);
const chosen = scenarios.filter(({ name }) => scenario === '' || name === scenario);
if (chosen.length === 0)
  throw new Error(`--only ${scenario}: the scenarios are ${scenarios.map(s => s.name).join(', ')}`);
const isWanted: Wish['isWanted'] = (name, key) => (fault === '' || name === fault) && new RegExp(point).test(key);
const kept = values.kept === undefined ? undefined : await Kept.open(values.kept);
const found = new Map<string, readonly Point[]>();
const results: Result[] = [...(kept?.results ?? [])];
// what was tried until then is still told
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
say(`faults from the seed ${seed}`);
await campaign(chosen, {
  ...{ seed, isWanted, seconds, signal: stop.signal, kept, labs: Number(values.labs ?? 2), both: values.both },
  onPoints: ({ name }, points) => {
    found.set(name, points);
    say(`${name}: ${points.length} points`);
  },
  onResult: result => {
    results.push(result);
    kept?.add(result);
    const { scenario, point, fault, ending, ended, wrong, seconds } = result;
    const verdict = wrong.length > 0 ? `WRONG: ${wrong.join('\n  ')}` : 'well';
    say(`${scenario} ${fault} ${point}: ${ended}, ${ending}, ${verdict} (${seconds.toFixed(0)} s)`);
  },
});
if (values.json)
  process.stdout.write(`${JSON.stringify({ seed, points: Object.fromEntries(found), results }, null, 2)}\n`);
else {
  const tables = [...found].map(([name, points]) => table(name, points, results));
  process.stdout.write(`${[...tables, counts(results), legend()].join('\n\n')}\n`);
}
process.exitCode = results.some(({ wrong }) => wrong.length > 0) ? 1 : 0;
