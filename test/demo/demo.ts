import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Lab, labUnavailable } from '../lab/lab.js';

// The main job, from nothing to nothing: a lab of real hosts, `up`, a Monte Carlo on the compute nodes, `down`.

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Types a command on the headnode as a user would, and shows it with what it prints. */
function type(lab: Lab, argv: readonly string[], dir = ''): Promise<void> {
  say(`\nscail@headnode${dir && `:~/${dir}`}$ ${argv.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = lab.spawn('headnode', ['env', `--chdir=/home/scail/${dir}`, ...argv], { stdio: 'inherit' });
    const late = setTimeout(() => child.kill('SIGTERM'), 180_000);
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(late);
      if (code === 0) resolve();
      else reject(new Error(`${argv.join(' ')} ended with status ${code}`));
    });
  });
}

async function main(): Promise<void> {
  const reason = labUnavailable();
  if (reason) throw new Error(`the demo builds an HPC site on this machine, which is not possible: ${reason}`);
  const began = Date.now();
  const lab = await Lab.up({});
  try {
    say(
      `An HPC site stands after ${((Date.now() - began) / 1000).toFixed(1)} s: login (sshd, Slurm), compute nodes c1 and c2, and a headnode outside it.`,
    );
    await type(lab, ['scailfin', 'up', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m']);
    await lab.exec('headnode', ['mkdir', 'decay']);
    for (const file of ['decay.sh', 'decay.sub']) {
      const text = readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8');
      await lab.write('headnode', `/home/scail/decay/${file}`, text, { user: 'scail', mode: 0o755 });
    }
    await type(lab, ['scailfin', 'exec', '--', 'condor_submit', 'decay.sub'], 'decay');
    await type(lab, ['scailfin', 'exec', '--', 'condor_wait', '-status', '-wait', '120', 'log'], 'decay');
    await type(lab, ['scailfin', 'status']);
    const { stdout } = await lab.exec('headnode', ['sh', '-c', 'cat decay/out.*']);
    const nodes = report(stdout);
    await type(lab, ['scailfin', 'down']);
    const left = await lab.leftovers();
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
    if (nodes < 2) throw new Error('the jobs ran on one node only');
    say('\nChecked on every host: no batch job, no process and no file of the cluster is left.');
    say(`The demo took ${((Date.now() - began) / 1000).toFixed(1)} s.`);
  } finally {
    await lab.down();
  }
}

/** Adds the jobs' counts up and shows where they ran. @returns on how many nodes */
function report(text: string): number {
  const rows = text
    .trim()
    .split('\n')
    .map(line => line.split(' '));
  const perNode = new Map<string, number>();
  for (const [node, user] of rows) perNode.set(`${user}@${node}`, (perNode.get(`${user}@${node}`) ?? 0) + 1);
  const events = rows.reduce((sum, row) => sum + Number(row[3]), 0);
  const share = rows.reduce((sum, row) => sum + Number(row[4]), 0) / events;
  const error = Math.sqrt((share * (1 - share)) / events);
  // pT > 20 GeV is the tighter cut: |cos θ| < sqrt(1 - (20 / 45.59)²)
  const exact = Math.sqrt(1 - (20 / (91.1876 / 2)) ** 2);
  say(`\nThe jobs ran as ${[...perNode].map(([where, n]) => `${where} (${n})`).join(', ')}.`);
  say(
    `Acceptance of Z → µµ at rest from ${events} events: ${share.toFixed(5)} ± ${error.toFixed(5)}; by formula ${exact.toFixed(5)}.`,
  );
  if (Math.abs(share - exact) > 5 * error) throw new Error('the result is wrong');
  return perNode.size;
}

await main().catch(error => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
