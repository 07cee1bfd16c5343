import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileWire } from '../../src/reana/jobs/filewire.js';
import { downDir, jobDir } from '../../src/reana/jobs/places.js';
import { until } from '../lab/programs.js';
import { Chirp } from './sessions/chirp.js';

const script = fileURLToPath(new URL('../../templates/session/channel.sh', import.meta.url));

let dir: string;
let chirp: Chirp;
let node: ChildProcess;
let wire: FileWire;
/** What has come to the container, and to the edge. */
let [there, here] = ['', ''];
let began: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-channel-'));
  mkdirSync(downDir(dir, 'id'), { recursive: true });
  chirp = await Chirp.open(jobDir(dir, 'id'));
  [there, here, began] = ['', '', 0];
  const own = (name: string, text = ''): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const key = own('key', `127.0.0.1 ${chirp.port} secret\n`);
  node = spawn('bash', ['--norc', script, downDir(dir, 'id'), key, own('batch'), own('begin')]);
  node.stdout?.on('data', data => {
    there += data;
  });
});
afterEach(() => {
  wire.close();
  node.kill('SIGKILL');
  chirp.close();
  rmSync(dir, { recursive: true, force: true });
});

const listens = (): FileWire => {
  const hears = (batch: Buffer): void => {
    here += batch;
  };
  const begins = (): void => {
    began += 1;
  };
  return new FileWire(dir, 'id', { onBatch: hears, onBegin: begins });
};
/** The container says something. */
const says = (text: string): void => void node.stdin?.write(`${text.length}\n${text}`);
const down = (): string[] => readdirSync(downDir(dir, 'id')).sort();

it('what the edge says all comes, also if the container never says anything', async () => {
  wire = listens();
  says('hello');
  await until('the node to be there', 60_000, async () => here === 'hello');
  const words = Array.from({ length: 30 }, (_, n) => `${n},`);
  for (const word of words) await wire.send(Buffer.from(word));
  await until('all to be there', 60_000, async () => there === words.join(''));
  expect(began).toBe(1);
  expect(down().length).toBeLessThan(6);
});

it('an edge that is started again goes on at once, also if the node owes it no answer', async () => {
  wire = listens();
  says('hello');
  await until('the node to be there', 60_000, async () => here === 'hello');
  // as many as may wait; the node says that it has them, and that it does not say again
  for (let n = 0; n < 8; n++) await wire.send(Buffer.from(`${n},`));
  await until('all to be there', 60_000, async () => there === '0,1,2,3,4,5,6,7,');
  says('!');
  await until('the node to have said so', 60_000, async () => here === 'hello!');
  wire.close();
  // it was killed while it wrote its next batch
  const [last = ''] = down();
  writeFileSync(join(downDir(dir, 'id'), `${last.replace(/\.\d+$/, '')}.9.part`), 'half of');
  wire = listens();
  await wire.send(Buffer.from('again'));
  await until('it to be there', 60_000, async () => there.endsWith('again'));
  says('.');
  await until('the answer', 60_000, async () => here === 'hello!.');
  expect(began).toBe(1);
});
