/*
 * `npm run soak -- 60m`: a REANA cluster works in a lab while random faults happen to it.
 *   npm run soak -- DURATION [--seed N] [--ground plain|gsi|isolated]… [--fault KIND]… [--json]
 * The grounds share the time. It ends with status 1 if anything is not well.
 */
import { parseArgs } from 'node:util';
import { parseDuration } from '../../src/units.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { type FaultKind, faultKinds } from './faults.js';
import { type GroundName, groundNames } from './ground.js';
import { type Report, soak } from './soak.js';
import { describe } from './table.js';

const usage = `npm run soak -- DURATION [--seed N] [--ground GROUND]… [--fault KIND]… [--json]
  DURATION   such as 60m; the grounds share it
  --seed     the same seed gives the same faults and the same work
  --ground   ${groundNames.join(', ')}; default: all
  --fault    only this one, such as "edge killed"; repeatable
  --json     prints one JSON document
`;

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: text,
      ground: { ...text, multiple: true },
      fault: { ...text, multiple: true },
      json: { type: 'boolean', default: false },
    },
  });
  const seconds = parseDuration(positionals[0] ?? '');
  const grounds = (values.ground ?? groundNames) as GroundName[];
  const only = values.fault as FaultKind[] | undefined;
  const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
  const isKnown =
    grounds.every(g => groundNames.includes(g)) && (only ?? []).every(f => f in faultKinds) && Number.isInteger(seed);
  if (seconds === undefined || positionals.length !== 1 || !isKnown) {
    process.stderr.write(usage);
    return 2;
  }
  const reason = labUnavailable();
  if (reason) throw new Error(reason);
  const say = (line: string): void => {
    const at = new Date().toISOString().slice(11, 19);
    (values.json ? process.stderr : process.stdout).write(`${at} ${line}\n`);
  };
  say(`seed ${seed}: ${grounds.join(', ')}, ${Math.round(seconds / grounds.length)} s each`);

  // named beforehand, so that it can be taken down while it comes up
  const lab = `soak-${process.pid}`;
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => void Lab.down(lab).finally(() => process.exit(status)));
  const reports: Report[] = [];
  for (const ground of grounds) {
    const plan = { ground, seed, seconds: seconds / grounds.length, hasLanguages: true, lab };
    const report = await soak(only ? { ...plan, only } : plan, say);
    reports.push(report);
    if (!values.json) process.stdout.write(`\n${describe(report)}\n\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, reports }, null, 2)}\n`);
  return reports.every(r => r.problems.length === 0) ? 0 : 1;
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
  },
);
