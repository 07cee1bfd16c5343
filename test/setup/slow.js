import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Group } from './group.js';
import { prepareLab } from './labs.js';
import { tool, top } from './programs.js';
import { runQuietly } from './quiet.js';
import { readReport, sum } from './report.js';
import { say } from './say.js';

/**
 * Runs test files one by one, each alone in a control group, and prints what each takes: seconds of processor time with all that
 * it starts, and seconds that pass. The first is what counts where many files run beside each other, and does not depend much
 * on what else the machine does.
 * @param {string[]} args files or folders; default: all
 * @returns {Promise<number>} 0 when all tests passed
 */
export async function slow(args) {
  const files = (args.length > 0 ? args : ['test']).flatMap(filesIn).sort();
  if (!Group.make('trial')?.end()) throw new Error('npm run slow needs control groups (version 2), and to be root');
  await prepareLab();
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-slow-'));
  const report = join(dir, 'report.json');
  let failures = 0;
  let [cpu, wall] = [0, 0];
  process.stdout.write('     CPU     time  tests  file\n');
  for (const file of files) {
    const group = /** @type {Group} */ (Group.make('slow'));
    const vitest = ['run', '--maxWorkers=1', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const began = Date.now();
    const { status, said } = await runQuietly(file, ...group.within(tool('vitest'), [...vitest, file]));
    const took = (Date.now() - began) / 1000;
    const used = group.seconds;
    const { passed, failed } = sum(readReport(report).values());
    process.stdout.write(`${seconds(used)} ${seconds(took)} ${String(passed).padStart(6)}  ${file}\n`);
    if (status !== 0) process.stdout.write(said);
    if (!group.end()) say(`${file} left processes behind`);
    failures += status === 0 ? 0 : Math.max(1, failed);
    [cpu, wall] = [cpu + used, wall + took];
    rmSync(report, { force: true });
  }
  process.stdout.write(`${seconds(cpu)} ${seconds(wall)}         all ${files.length}\n`);
  rmSync(dir, { recursive: true });
  return failures === 0 ? 0 : 1;
}

/** @param {number} n */
const seconds = n => `${n.toFixed(1).padStart(6)} s`;

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesIn(path) {
  if (path.endsWith('.test.ts')) return [path];
  const names = readdirSync(join(top, path), { recursive: true, encoding: 'utf8' });
  return names.filter(name => name.endsWith('.test.ts')).map(name => join(path, name));
}
