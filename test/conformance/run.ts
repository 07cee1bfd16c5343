/*
 * npm run --silent conformance -- DIR
 * Has the readers try recordings of any site, DIR/SYSTEM/CASE.{cmd,stdout,stderr,exit}: one JSON line a case on stdout,
 * {system, case, kind, jobs: [{id, state, exit?, reason?}], error?}. A submission's jobs have no state yet.
 */
import { understandAll } from './cases.js';

const [dir, ...more] = process.argv.slice(2);
if (dir === undefined || more.length > 0) {
  process.stderr.write('usage: npm run --silent conformance -- DIR\n');
  process.exitCode = 2;
} else {
  try {
    for (const line of understandAll(dir)) process.stdout.write(`${JSON.stringify(line)}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
