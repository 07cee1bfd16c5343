// Runs COUNT jobs of the same command through this host's pool, in one condor_submit, and prints in milliseconds how long
// that took from there to the last one's end in HTCondor's own log, and from the last one's start: {ms, ran}.
//   CONDOR_CONFIG=… node bare.mjs DIR COUNT PROGRAM ARGUMENT…
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [dir = '', count, ...command] = process.argv.slice(2);
const description = `executable = job.sh
initialdir = ${dir}
log = ${dir}/log
output = out.$(Process)
error = err.$(Process)
should_transfer_files = YES
when_to_transfer_output = ON_EXIT
# as for steps: a job that says what it makes does not wait a second for the clock of its files
transfer_output_files = ""
request_cpus = 1
request_memory = 100
request_disk = 10240
notification = Never
queue ${count}
`;
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
writeFileSync(`${dir}/job.sh`, `#!/bin/sh\nexec ${command.join(' ')}\n`, { mode: 0o755 });
writeFileSync(`${dir}/log`, '');
writeFileSync(`${dir}/submit`, description);

/** @param {string} number */
const events = number => [...readFileSync(`${dir}/log`, 'utf8').matchAll(new RegExp(`^${number} \\(`, 'gm'))].length;
const began = performance.now();
/** @type {Promise<void>} */
const submitted = new Promise((resolve, reject) => {
  const child = spawn('condor_submit', ['-terse', 'submit'], { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', code => (code === 0 ? resolve() : reject(new Error(`condor_submit ended with ${code}`))));
});
// a loop, as condor_wait looks once a second. Beside many jobs it must not take a processor from them
const pause = Number(count) > 10 ? 50 : 2;
let started = 0;
while (events('005') < Number(count)) {
  if (started === 0 && events('001') >= Number(count)) started = performance.now();
  await sleep(pause);
}
const ended = performance.now();
await submitted;
const good = [...readFileSync(`${dir}/log`, 'utf8').matchAll(/^\t\(1\) Normal termination \(return value 0\)/gm)];
if (good.length !== Number(count)) throw new Error(`${Number(count) - good.length} of ${count} jobs failed`);
process.stdout.write(JSON.stringify({ ms: ended - began, ran: ended - (started || ended) }));
