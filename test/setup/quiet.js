import { spawn } from 'node:child_process';
import { top } from './programs.js';
import { say } from './say.js';

/**
 * Runs a program whose output is of interest only if it fails. Meanwhile there is one line that says what is done; on a
 * terminal it also counts the seconds.
 * @param {string} what is done, for that line
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to the environment
 * @returns {Promise<{ status: number, said: string }>} its exit status, and all that it printed
 */
export function runQuietly(what, file, args, env = {}) {
  const began = Date.now();
  const { isTTY } = process.stdout;
  if (!isTTY) say(what);
  const tick = () => process.stdout.write(`\r» ${what} … ${Math.round((Date.now() - began) / 1000)} s`);
  const timer = isTTY ? setInterval(tick, 1000) : undefined;
  if (isTTY) tick();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        said += text;
      });
    }
    const over = () => {
      clearInterval(timer);
      if (isTTY) process.stdout.write('\n');
    };
    child.on('error', error => {
      over();
      reject(error);
    });
    child.on('close', (code, signal) => {
      over();
      resolve({ status: signal ? 128 : (code ?? 1), said });
    });
  });
}

/**
 * Runs a program that must succeed, as `runQuietly` does. When it fails, all that it printed is shown.
 * @param {string} what is done
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function mustRunQuietly(what, file, args, env) {
  const { status, said } = await runQuietly(what, file, args, env);
  if (status === 0) return;
  process.stdout.write(said);
  throw new Error(`${file} ${args.join(' ')} ended with exit status ${status}`);
}
