import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareLab, reapLabs } from './labs.js';
import { run, tool, top } from './programs.js';
import { say } from './say.js';

/**
 * Types, style, tests; the last line printed is the count.
 * @param {string[]} args for vitest
 * @returns {Promise<number>} 0 when all is well and at least one test ran
 */
export async function suite(args) {
  say('tsc --noEmit');
  const types = await run(tool('tsc'), ['--noEmit']);
  say('biome check');
  const style = await run(tool('biome'), ['check', '.']);
  await prepareLab();

  say(['vitest run', ...args].join(' '));
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-report-'));
  const file = join(dir, 'report.json');
  const leaks = join(dir, 'leaks');
  const watcher = spawn(tool('tsx'), ['test/setup/leaks.ts', leaks], {
    cwd: top,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const tests = await run(tool('vitest'), ['run', ...reporters, ...args], { SCAILFIN_LEAKS: leaks });
  watcher.stdin?.end();
  const count = readCount(file);
  const leaked = existsSync(leaks) ? readFileSync(leaks, 'utf8').trim().split('\n') : [];
  rmSync(dir, { recursive: true });
  for (const line of leaked) say(line);
  // that no secret shows anywhere, in the whole run, is one test more
  if (leaked.length > 0) count.failed += 1;
  else count.passed += 1;
  await reapLabs();

  if (types !== 0) say('the type check failed');
  if (style !== 0) say('the style check failed');
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  process.stdout.write(`${count.passed} passed, ${count.failed} failed${skipped}\n`);
  const isWell = [types, style, tests].every(status => status === 0) && count.passed > 0 && count.failed === 0;
  return isWell ? 0 : 1;
}

/**
 * @param {string} file vitest's JSON report
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
function readCount(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    // a file that could not even be loaded, and a hook that failed, count as a failure without any failed test
    const broken = report.testResults.filter(
      (/** @type {{ status: string, assertionResults: { status: string }[] }} */ one) =>
        one.status === 'failed' && !one.assertionResults.some(test => test.status === 'failed'),
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
