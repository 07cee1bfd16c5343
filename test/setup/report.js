import { readFileSync } from 'node:fs';

/**
 * What vitest's JSON report says, file by file.
 * @typedef {{ passed: number, failed: number, skipped: number, names: string[], seconds: number }} Result
 *   names: of the tests that failed; seconds: from the first test's begin to the last one's end
 */

/**
 * @param {string} file
 * @returns {Map<string, Result>} by the test file's path; empty where vitest did not get as far as a report
 */
export function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    return new Map(report.testResults.map((/** @type {FileResult} */ one) => [one.name, resultOf(one)]));
  } catch {
    return new Map();
  }
}

/**
 * @typedef {{ name: string, status: string, message: string, startTime: number, endTime: number,
 *   assertionResults: { status: string, fullName: string }[] }} FileResult
 * @param {FileResult} one
 * @returns {Result}
 */
function resultOf({ status, message, startTime, endTime, assertionResults }) {
  const count = (/** @type {string[]} */ ...of) => assertionResults.filter(test => of.includes(test.status)).length;
  const names = assertionResults.filter(test => test.status === 'failed').map(test => test.fullName);
  // a file that could not even be loaded, and a hook that failed, count as a failure without any failed test
  if (status === 'failed' && names.length === 0) names.push(message.split('\n')[0] || 'a hook failed');
  return {
    ...{ passed: count('passed'), failed: names.length, skipped: count('pending', 'skipped', 'todo', 'disabled') },
    ...{ names, seconds: Math.round((endTime - startTime) / 1000) },
  };
}

/**
 * @param {Iterable<Result>} results
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function sum(results) {
  const all = [...results];
  const total = (/** @type {'passed' | 'failed' | 'skipped'} */ key) => all.reduce((n, one) => n + one[key], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
}
