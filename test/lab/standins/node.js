import { readFileSync } from 'node:fs';

/** @param {string} file @returns {string} */
const part = file => readFileSync(new URL(`node/${file}.py`, import.meta.url), 'utf8');

/**
 * The program that plays a batch system's daemon on the compute node for one job.
 * @param {'torque' | 'pbs' | 'lsf'} system @param {object} job what that daemon is told @returns {string}
 */
export function scriptFor(system, job) {
  const text = Buffer.from(JSON.stringify(job)).toString('base64');
  const told = `import base64, json\nJOB = json.loads(base64.b64decode("${text}"))\n`;
  return `#!/usr/bin/python3\n${told}${part(system)}\n${part('daemon')}`;
}
