/*
 * `npm run model`: random histories of a cluster's life against a world in memory, on all cores.
 *   npm run model -- [--histories N] [--seed S] [--workers N]
 * It ends with status 1 at the first history that does not end well, and prints it as it was shrunk.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { messageOf } from '../../src/errors.js';
import { check } from './commands.js';

/** So many histories have one seed. */
const PART = 250;

interface Part {
  readonly seed: number;
  readonly numRuns: number;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (isMainThread) await main();
else parentPort?.on('message', (part: Part) => check(part).then(ended, ended));

function ended(error: unknown): void {
  parentPort?.postMessage(error === undefined ? '' : messageOf(error));
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { histories: text, seed: text, workers: text } });
  const histories = Number(values.histories ?? 100_000);
  const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
  say(`${histories} histories from the seed ${seed}`);
  let [begun, done] = [0, 0];
  const began = performance.now();
  const work = async (): Promise<void> => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    while (begun < histories) {
      const part = { seed: seed + begun / PART, numRuns: Math.min(PART, histories - begun) };
      begun += PART;
      worker.postMessage(part);
      const wrong = await new Promise<string>((resolve, reject) =>
        worker.once('message', resolve).once('error', reject),
      );
      if (wrong !== '') {
        say(wrong);
        say(`it is one of these: npm run model -- --seed ${part.seed} --histories ${part.numRuns}`);
        process.exit(1);
      }
      done += part.numRuns;
      const rate = done / ((performance.now() - began) / 1000);
      say(`${done} histories ended well, ${rate.toFixed(0)} a second`);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Number(values.workers ?? availableParallelism()) }, work));
}
