import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Compared, describeCompared, type Sized, tolerance, tooFast } from './report.js';
import { measureSteps, shapes } from './steps.js';

const usage = `npm run load -- [--only steps] [--scale S] [--json]
  --only    one part
  --scale   how large the load is: 1 is 5,000 steps in a workflow; 0.2 is a fifth of everything
  --edge    another edge, such as the one of an older version: its edge.mjs
  --json    prints one JSON document
`;

interface Plan {
  readonly scale: number;
  readonly program: string;
}

const full = { steps: 5000, slots: 500, clients: 50 };

/** Everything is measured at a tenth of the size, too. */
async function both(title: string, measure: (share: number) => Promise<Sized>): Promise<Compared> {
  const small = await measure(0.1);
  say(`${title}, a tenth: ${small.note}`);
  const large = await measure(1);
  say(`${title}: ${large.note}`);
  return { title, small, large };
}

const parts: Readonly<Record<string, (plan: Plan) => AsyncGenerator<Compared>>> = {
  async *steps({ scale, program }) {
    const { steps, ...rest } = full;
    for (const shape of shapes) {
      const sized = (share: number) =>
        measureSteps(shape, { ...rest, program, steps: Math.ceil(steps * scale * share) });
      yield both(`A workflow of many steps, ${shape}; ${rest.clients} clients, ${rest.slots} slots`, sized);
    }
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

main().then(
  code => {
    process.exitCode = code;
  },
  error => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  },
);
