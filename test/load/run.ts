import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inLab } from '../bench/lab.js';
import { labUnavailable } from '../lab/lab.js';
import { finish } from '../setup/finish.js';
import { measureFiles } from './files.js';
import { measurePool } from './pool.js';
import { type Compared, describeCompared, type Sized, tolerance, tooFast } from './report.js';
import { measureSteps, shapes } from './steps.js';

const usage = `npm run load -- [--only steps|files|pool] [--scale S] [--json]
  --only    one part
  --scale   how large the load is: 1, the default, is 5,000 steps in a workflow, 100,000 files, 20 GB,
            500 glide-ins and 10,000 jobs that wait; 0.2 is a fifth of all that
  --edge    another edge, such as the one of an older version: its edge.mjs
  --json    prints one JSON document
`;

interface Plan {
  readonly scale: number;
  readonly program: string;
}

const full = {
  steps: { steps: 5000, slots: 500, clients: 50 },
  files: { files: 100_000, bytes: 20e9 },
  pool: { glideins: 500, jobs: 10_000, watchers: 20 },
};

/** Whether the machine is at work although nothing is measured yet; its load average still has what was measured before. */
async function doesOtherThings(): Promise<boolean> {
  const look = () =>
    cpus().map(({ times }) => ({ idle: times.idle, all: Object.values(times).reduce((a, b) => a + b) }));
  const before = look();
  await sleep(5000);
  const idle = look().map(({ idle, all }, n) => (idle - (before[n]?.idle ?? 0)) / (all - (before[n]?.all ?? 0)));
  return idle.reduce((a, b) => a + b) / idle.length < 0.75;
}

/** Everything is measured at a tenth of the size, too. */
async function both(title: string, measure: (share: number) => Promise<Sized>): Promise<Compared> {
  const isBusy = await doesOtherThings();
  const small = await measure(0.1);
  say(`${title}, a tenth: ${small.note}`);
  const large = await measure(1);
  say(`${title}: ${large.note}`);
  return { title, small, large, isBusy };
}

const parts: Readonly<Record<string, (plan: Plan) => AsyncGenerator<Compared>>> = {
  async *steps({ scale, program }) {
    const { steps, ...rest } = full.steps;
    for (const shape of shapes) {
      const sized = (share: number) =>
        measureSteps(shape, { ...rest, program, steps: Math.ceil(steps * scale * share) });
      yield both(`A workflow of many steps, ${shape}; ${rest.clients} clients, ${rest.slots} slots`, sized);
    }
  },
  async *files({ scale, program }) {
    const sized = (share: number) => {
      const part = scale * share;
      return measureFiles({
        program,
        files: Math.ceil(full.files.files * part),
        bytes: Math.ceil(full.files.bytes * part),
      });
    };
    yield both('A workspace of many files and a large one', sized);
  },
  async *pool({ scale }) {
    const missing = labUnavailable();
    if (missing) return say(`the pool is not measured: ${missing}`);
    const { glideins, jobs, watchers } = full.pool;
    const sized = (share: number) => {
      const part = scale * share;
      const plan = { glideins: Math.ceil(glideins * part), jobs: Math.ceil(jobs * part), watchers };
      return inLab(lab => measurePool(lab, plan));
    };
    yield both('A pool of many glide-ins', sized);
  },
};

const say = (text: string): void => void process.stderr.write(`· ${text} (load average ${loadavg()[0]?.toFixed(1)})\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      scale: { type: 'string', default: '1' },
      edge: { type: 'string', default: fileURLToPath(new URL('../../dist/edge.mjs', import.meta.url)) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const plan = { scale: Number(values.scale), program: values.edge };
  if (!(plan.scale > 0)) throw new Error(`--scale ${values.scale}: give a number above 0`);
  if (values.only !== undefined && !(values.only in parts))
    throw new Error(`--only ${values.only}: the parts are ${Object.keys(parts).join(', ')}`);
  const found: Compared[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (name !== (values.only ?? name)) continue;
    for await (const compared of measure(plan)) {
      found.push(compared);
      if (!values.json) process.stdout.write(`${describeCompared(compared)}\n\n`);
    }
  }
  const faster = found.flatMap(compared => tooFast(compared).map(what => `${compared.title}: ${what}`));
  if (values.json)
    process.stdout.write(`${JSON.stringify({ node: process.version, tolerance, found, faster }, null, 2)}\n`);
  for (const what of faster) say(`it grows faster than the work: ${what}`);
  return faster.length > 0 ? 1 : 0;
}

finish(main());
