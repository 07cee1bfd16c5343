/*
 * Looks at every process of this machine, again and again, for command lines that hold a secret of the tests.
 *   leaks.ts FILE [SECRET…]      appends what it finds; ends with its standard input
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { secrets } from '../secrets.js';

const everyMs = 100;
/** So often a new process is looked at each time, and then once in so many times. */
const often = 10;
/** Programs of ours, and those that ours start; what tests themselves type to set a stage is not of interest. */
const ours = /scailfin|^(\S*\/)?(ssh|gsissh|sshd|sbatch|qsub|bsub|condor_\w+|bash|curl)(\0|$)/;
const testTools = /oathtool|reana-client|ssh-keygen|openssl|chpasswd|myproxy-|grid-|voms-|nsenter|timeout\0/;

const [file = '', ...others] = process.argv.slice(2);
const wanted = [...secrets, ...others];
const told = new Set<string>();
/** In how many of the last looks each process was there. */
let seen = new Map<string, number>();
process.stdin.resume().on('end', () => process.exit(0));
setInterval(() => {
  const before = seen;
  seen = new Map(pids().map(pid => [pid, (before.get(pid) ?? 0) + 1]));
  for (const [pid, looks] of seen) {
    // one that has been there for a while seldom becomes another program
    if (looks > often && looks % often !== 0) continue;
    const line = commandLine(pid);
    if (pid === String(process.pid) || !ours.test(line) || testTools.test(line)) continue;
    for (const [n, secret] of wanted.entries()) {
      const found = `secret ${n} of test/secrets.ts is in the command line of ${line.split('\0')[0]} (process ${pid})`;
      if (!line.includes(secret) || told.has(found)) continue;
      told.add(found);
      appendFileSync(file, `${found}\n`);
    }
  }
}, everyMs);

const pids = (): string[] => readdirSync('/proc').filter(name => /^\d+$/.test(name));

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
