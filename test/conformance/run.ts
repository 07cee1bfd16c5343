/*
 * npm run --silent conformance [-- DIR | --table]
 * Without DIR: a table, adapter × kind of case, of how the repository's own recordings are understood; status 1 when one
 * is not as it should be, which stderr says. With DIR the readers try recordings of any site,
 * DIR/SYSTEM/CASE.{cmd,stdout,stderr,exit}: one JSON line a case on stdout, {system, case, kind, jobs: [{id, state,
 * exit?, reason?}], error?}. A submission's jobs have no state yet.
 */
import { understandAll } from './cases.js';
import { allCases, describeCases } from './table.js';

const [dir, ...more] = process.argv.slice(2);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
if (more.length > 0 || (dir?.startsWith('-') && dir !== '--table')) {
  say('usage: npm run --silent conformance [-- DIR | --table]');
  process.exitCode = 2;
} else if (dir === undefined || dir === '--table') {
  const cases = allCases();
  process.stdout.write(`${describeCases(cases)}\n`);
  const wrong = cases.filter(one => one.complaints.length > 0);
  for (const { adapter, name, complaints } of wrong) say(`${adapter}: ${name}: ${complaints.join('; ')}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} else {
  try {
    for (const line of understandAll(dir)) process.stdout.write(`${JSON.stringify(line)}\n`);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}
