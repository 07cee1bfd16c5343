import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../bin/scailfin.js', import.meta.url));

it.each([
  ['ends as other programs do', ['status', '--help'], 141],
  ['goes on if it changes a cluster', ['scale', '--help'], 0],
])('a command whose reader has gone %s', async (_, argv, status) => {
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', data => {
    said += data;
  });
  const [code] = await once(child, 'close');
  expect([said, code]).toEqual(['', status]);
});
