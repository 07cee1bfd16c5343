import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Group } from './group.js';
import { prepareLab, reapLabs } from './labs.js';
import { run, tool, top } from './programs.js';
import { readReport, sum } from './report.js';
import { say } from './say.js';

/**
 * Types, style, tests; the last line printed is the count.
 * @param {string[]} args for vitest
 * @param {boolean} isWhole with the tests that are tagged `nightly`
 * @returns {Promise<number>} 0 when all is well and at least one test ran
 */
export async function suite(args, isWhole) {
  say('tsc --noEmit && tsc -p tsconfig.page.json');
  const types = (await run(tool('tsc'), ['--noEmit'])) || (await run(tool('tsc'), ['-p', 'tsconfig.page.json']));
  say('biome check');
  const style = await run(tool('biome'), ['check', '.']);
  await prepareLab();

  const filter = isWhole ? [] : ['--tags-filter=!nightly'];
  say(['vitest run', ...filter, ...args].join(' '));
  if (!isWhole) say('tests that are tagged nightly are skipped: `npm run test:all` runs everything');
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-report-'));
  const file = join(dir, 'report.json');
  const leaks = join(dir, 'leaks');
  const watcher = spawn(tool('tsx'), ['test/setup/leaks.ts', leaks], {
    cwd: top,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  /** @type {(extra: string[]) => Promise<Map<string, import('./report.js').Result>>} */
  const vitest = async extra => {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    rmSync(file, { force: true });
    const group = Group.make('test');
    const words = ['run', ...filter, ...reporters, ...extra];
    const [program, args] = group ? group.within(tool('vitest'), words) : [tool('vitest'), words];
    const began = Date.now();
    const status = await run(program, args, { SCAILFIN_LEAKS: leaks });
    const took = Math.round((Date.now() - began) / 1000);
    if (group) say(`that took ${took} s, and ${Math.round(group.seconds)} s of processor time`);
    group?.end();
    const results = readReport(file);
    // an error that no test caught
    if (status !== 0 && sum(results.values()).failed === 0) results.set('vitest', outside);
    return results;
  };
  const results = await vitest(args);
  say(`the slowest files: ${slowest(results)}`);
  const unsteady = await again(results, vitest);
  watcher.stdin?.end();
  const count = sum(results.values());
  const leaked = existsSync(leaks) ? readFileSync(leaks, 'utf8').trim().split('\n') : [];
  rmSync(dir, { recursive: true });
  for (const line of leaked) say(line);
  // that no secret shows anywhere, in the whole run, is one test more
  if (leaked.length > 0) count.failed += 1;
  else count.passed += 1;
  await reapLabs();

  if (unsteady.length > 0) {
    say(`UNSTEADY, ${unsteady.length} failed once and passed alone:`);
    for (const name of unsteady) say(`UNSTEADY ${name}`);
  }
  if (types !== 0) say('the type check failed');
  if (style !== 0) say('the style check failed');
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  process.stdout.write(`${count.passed} passed, ${count.failed} failed${skipped}\n`);
  const isWell = types === 0 && style === 0 && count.passed > 0 && count.failed === 0;
  return isWell ? 0 : 1;
}

/** What failed outside of all tests. */
const outside = { passed: 0, failed: 1, skipped: 0, names: [], seconds: 0 };

/** With more files than these it is no matter of chance, nor of a slow machine. */
const most = 8;

/**
 * Real batch systems on a busy machine are late now and then: a file that failed has a second chance, by itself. A test
 * that passes only then is named, so that nobody takes it for a steady one.
 * @param {Map<string, import('./report.js').Result>} results by file; those that were run again are replaced
 * @param {(extra: string[]) => Promise<Map<string, import('./report.js').Result>>} vitest
 * @returns {Promise<string[]>} the tests that failed first and passed then
 */
async function again(results, vitest) {
  /** @type {string[]} */
  const unsteady = [];
  const failed = [...results].filter(([, result]) => result.failed > 0 && result !== outside);
  if (failed.length === 0 || failed.length > most) return unsteady;
  const files = failed.map(([file]) => relative(top, file));
  say(`vitest run once more: ${files.join(' ')}`);
  const second = await vitest(['--maxWorkers=1', ...files]);
  if (second.has('vitest')) results.set('vitest', outside);
  for (const [file, first] of failed) {
    const result = second.get(file);
    if (result === undefined) continue;
    results.set(file, result);
    const passed = first.names.filter(name => !result.names.includes(name));
    unsteady.push(...passed.map(name => `${relative(top, file)}: ${name}`));
  }
  return unsteady;
}

/**
 * What test/setup/durations.ts should begin with.
 * @param {Map<string, import('./report.js').Result>} results by file
 */
function slowest(results) {
  const sorted = [...results].sort(([, a], [, b]) => b.seconds - a.seconds).slice(0, 12);
  return sorted.map(([file, { seconds }]) => `${relative(top, file)} ${seconds} s`).join(', ');
}
