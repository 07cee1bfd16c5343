import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { exampleImages, prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { engineWheels, offerWheels } from '../reana/engines/wheels.js';
import { bridge } from './page.js';

// The main job, from nothing to nothing: a lab of real hosts, `up`, an inference on the compute nodes, `down`.

const results = fileURLToPath(new URL('../../demo/', import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Types a command on the headnode as a user would, and shows it with what it prints. */
async function type(lab: Lab, argv: readonly string[], dir = ''): Promise<void> {
  say(`\nscail@headnode:~${dir && `/${dir}`}$ ${argv.join(' ')}`);
  const child = lab.spawn('headnode', ['env', `--chdir=/home/scail/${dir}`, ...argv], { stdio: 'inherit' });
  const late = setTimeout(() => child.kill('SIGTERM'), 180_000);
  const [code] = await once(child, 'close').finally(() => clearTimeout(late));
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with status ${code}`);
}

/** @param stays whether the cluster stays up until Enter is pressed */
async function main(stays: boolean): Promise<void> {
  const reason = labUnavailable();
  if (reason) throw new Error(`the demo builds an HPC site on this machine, which is not possible: ${reason}`);
  const began = Date.now();
  const seconds = (): string => ((Date.now() - began) / 1000).toFixed(1);
  const [image] = await Promise.all([prepareImage(say), engineWheels('snakemake')]);
  const lab = await Lab.up({});
  try {
    say(`An HPC site stands after ${seconds()} s: login (sshd, Slurm), nodes c1 and c2, and a headnode outside it.`);
    // this network has no way out: what a headnode and a site get from PyPI and from a registry is brought to them
    await Promise.all([
      offerWheels(lab, 'headnode', 'snakemake'),
      lab.write('headnode', 'image.sif', readFileSync(image)),
    ]);
    await type(lab, ['scailfin', 'example', 'copy', 'lfi']);
    await type(lab, [
      'scailfin',
      'up',
      '--site',
      'lab-slurm',
      '--nodes',
      '2',
      '--walltime',
      '30m',
      '--framework',
      'reana',
    ]);
    await type(lab, ['scailfin', 'images', 'add', 'image.sif', '--as', exampleImages.lfi]);
    await type(lab, ['scailfin', 'run'], 'lfi');
    await type(lab, ['cat', 'results/summary.txt'], 'lfi');
    const plot = await save(lab);
    await type(lab, ['scailfin', 'status']);
    if (stays) await wait(lab);
    await type(lab, ['scailfin', 'down', '--yes']);
    const left = await lab.leftovers();
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
    say('\nChecked on every host: no batch job, no process and no file of the cluster is left.');
    say(`The plot of the likelihood and of the closure test: ${plot}`);
    if (!stays) say('To look at the page of a cluster that runs: npm run demo -- --stay');
    say(`The demo took ${seconds()} s.`);
  } finally {
    await lab.down();
  }
}

/** Copies the results from the headnode to this machine. @returns the plot's path; throws if the inference went wrong */
async function save(lab: Lab): Promise<string> {
  mkdirSync(results, { recursive: true });
  for (const name of ['lfi.png', 'mass.json', 'summary.txt']) {
    const { stdout } = await lab.exec('headnode', ['base64', `lfi/results/${name}`]);
    writeFileSync(join(results, name), Buffer.from(stdout, 'base64'));
  }
  const { mass, low, high } = JSON.parse(readFileSync(join(results, 'mass.json'), 'utf8'));
  const truth = Number(/truth\s+m\(W\) = ([\d.]+)/.exec(readFileSync(join(results, 'summary.txt'), 'utf8'))?.[1]);
  // an interval of 68 % misses the truth often; five of its half widths, it does not
  if (!(Math.abs(mass - truth) < (5 * (high - low)) / 2)) throw new Error(`the result is wrong: ${mass}, not ${truth}`);
  return join(results, 'lfi.png');
}

/** Says how to open the page, and waits for Enter. */
async function wait(lab: Lab): Promise<void> {
  const { server, port } = await bridge(lab, 30443);
  const token = (await lab.read('headnode', '.local/state/scailfin/clusters/lab-slurm/reana.token')).trim();
  say(`\nThe page of the cluster: http://127.0.0.1:${port}/#token=${token}`);
  say('Press Enter to take the cluster down.');
  const lines = createInterface({ input: process.stdin });
  await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  lines.close();
  server.close();
}

const words = process.argv.slice(2);
await (words.every(word => word === '--stay')
  ? main(words.length > 0)
  : Promise.reject(new Error(`the demo does not know ${words.join(' ')}; it knows --stay`))
).catch(error => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
