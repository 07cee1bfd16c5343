import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { templateText } from '../../src/templates.js';

/**
 * A glide-in's way out with HTCondor processes that do not end, on a node where each look takes so long.
 * @returns how many times it looked before it killed them
 */
function looks({ starter, seconds }: { starter: boolean; seconds: number }): number {
  // without its special meaning, SECONDS does not count the test's own time
  const node = `unset SECONDS; SECONDS=0 run=r name=n work= cache= trace= master= nap= looks=0
    condors() { echo 1; }
    starters() { ${starter}; }
    sleep() { looks=$((looks + 1)) SECONDS=$((SECONDS + ${seconds})); }
    for name in kill drop withdraw rm; do eval "$name() { :; }"; done
    leave; echo "$looks"`;
  const script = `${templateText('glidein/leave.sh')}\n${node}`;
  return Number(execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', timeout: 20_000 }));
}

it.each([
  { what: 'of a job gets ten seconds', starter: true, seconds: 0, times: 40 },
  { what: 'of a job gets ten seconds on a busy node, and no more', starter: true, seconds: 2, times: 6 },
  { what: 'without a job gets two', starter: false, seconds: 0, times: 8 },
])('a glide-in that is ended: HTCondor $what', ({ times, ...node }) => {
  expect(looks(node)).toBe(times);
});
