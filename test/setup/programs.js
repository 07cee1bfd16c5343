import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository's top. */
export const top = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string} name of a program that npm installed */
export const tool = name => `${top}node_modules/.bin/${name}`;

/**
 * Runs a program on this terminal.
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to the environment
 * @returns {Promise<number>} its exit status
 */
export function run(file, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: top, stdio: 'inherit', env: { ...process.env, ...env } });
    // an interrupt reaches the whole process group: wait for the child to end by it
    const wait = () => {};
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, wait);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, wait);
      resolve(signal ? 128 : (code ?? 1));
    });
  });
}

/**
 * Runs a program that must succeed.
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function mustRun(file, args, env) {
  const status = await run(file, args, env);
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with exit status ${status}`);
}

/**
 * @param {string} file
 * @param {string[]} args
 * @returns {string | undefined} what it printed; undefined when it failed or is not there
 */
export function output(file, args) {
  const result = spawnSync(file, args, { cwd: top, encoding: 'utf8', timeout: 60_000 });
  return result.status === 0 ? result.stdout : undefined;
}
