import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { frame, kinds } from '../../src/reana/edge/sessions/frames.js';
import { Mux } from '../../src/reana/edge/sessions/mux.js';
import { FileWire } from '../../src/reana/jobs/filewire.js';
import { namesLeft } from '../../src/reana/jobs/left.js';
import { downDir, jobDir } from '../../src/reana/jobs/places.js';
import { removeTree } from '../../src/reana/tree.js';
import { until } from '../lab/programs.js';
import { attack } from './attack.js';

let top: string;
let steps: string;
let wires: FileWire[];
let heard: string[];
const id = '5f0c0d5e-58a5-4f0b-9d39-e7b5a8a6f4a1';
const secret = () => join(top, 'id_ed25519');

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'scailfin-wire-'));
  steps = join(top, 'steps');
  wires = [];
  heard = [];
  mkdirSync(jobDir(steps, id), { recursive: true });
  mkdirSync(downDir(steps, id));
  writeFileSync(secret(), 'PRIVATE KEY', { mode: 0o600 });
});
afterEach(async () => {
  for (const wire of wires) wire.close();
  await removeTree(top);
});

function wire(): FileWire {
  const made = new FileWire(steps, id, {
    onBatch: batch => heard.push(batch.toString()),
    onBegin: () => heard.push('begin'),
  });
  wires.push(made);
  return made;
}
/** As the node: a batch gets its name when it is complete. */
function says(name: string, text: string): void {
  writeFileSync(join(jobDir(steps, id), 'part'), text);
  renameSync(join(jobDir(steps, id), 'part'), join(jobDir(steps, id), name));
}

describe('a session’s node', () => {
  attack(
    { by: 'a compute node', on: 'here', what: 'leaves links, pipes and giants in the place of batches' },
    async count => {
      const left = (name: string): string => join(jobDir(steps, id), name);
      const tricks: readonly ((path: string) => void)[] = [
        path => symlinkSync(secret(), path),
        path => linkSync(secret(), path),
        path => void spawnSync('mkfifo', [path]),
        path => mkdirSync(path),
        path => {
          writeFileSync(path, '');
          truncateSync(path, 2 ** 40);
        },
      ];
      for (const trick of tricks) {
        await removeTree(jobDir(steps, id));
        mkdirSync(jobDir(steps, id));
        heard = [];
        trick(left('up.aaaaaaaa.1.0'));
        const one = wire();
        await sleep(700);
        one.close();
        expect(heard.filter(text => text !== 'begin')).toEqual([]);
        expect(readFileSync(secret(), 'utf8')).toBe('PRIVATE KEY');
        count();
      }
    },
  );

  attack({ by: 'a compute node', on: 'here', what: 'plants links where the edge writes' }, async count => {
    const one = wire();
    says('up.aaaaaaaa.1.0', 'hello');
    await until('the hello', 5000, async () => heard.includes('hello'));
    for (const name of ['aaaaaaaa.1.part', 'aaaaaaaa.1']) symlinkSync(secret(), join(downDir(steps, id), name));
    await one.send(Buffer.from('first')).catch(() => {});
    await one.send(Buffer.from('second')).catch(() => {});
    expect(readFileSync(secret(), 'utf8')).toBe('PRIVATE KEY');
    count(2);
  });

  attack({ by: 'a compute node', on: 'here', what: 'makes thousands of files, and odd names' }, async count => {
    for (let n = 0; n < 3000; n++) writeFileSync(join(jobDir(steps, id), `up.bbbbbbbb.${n + 5}.0`), '');
    // a look at them ends; their number is not the edge's to bear
    expect(await namesLeft(steps, id)).toHaveLength(2000);
    await removeTree(jobDir(steps, id));
    mkdirSync(jobDir(steps, id));
    const odd = ['up.aaaaaaaa.1', 'up.zzzzzzzz.1.0', 'up..1.0', 'up.aaaaaaaa.-1.0', 'up.aaaaaaaa.1.0x'];
    for (const name of odd) says(name, 'odd');
    wire();
    says('up.aaaaaaaa.1.0', 'true');
    await until('the true one', 5000, async () => heard.includes('true'));
    expect(heard).toEqual(['begin', 'true']);
    count(3000 + odd.length);
  });

  attack(
    { by: 'a compute node', on: 'here', what: 'says what is said to the program before it, or twice' },
    async count => {
      wire();
      for (const [name, text] of [
        ['up.aaaaaaaa.1.0', 'one'],
        ['up.aaaaaaaa.2.0', 'two'],
      ] as const)
        says(name, text);
      await until('both', 5000, async () => heard.length >= 3);
      says('up.aaaaaaaa.1.9', 'one again');
      says('up.cccccccc.7.9', 'of nobody');
      says('up.aaaaaaaa.3.99999999', 'three');
      await until('the third', 5000, async () => heard.includes('three'));
      expect(heard).toEqual(['begin', 'one', 'two', 'three']);
      count(3);
    },
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'sends frames that are none, are too long, or nobody allowed' },
    async count => {
      const sent: Buffer[] = [];
      const mux = new Mux({ send: async batch => void sent.push(batch), close: () => {} }, () => {});
      const stream = mux.connect();
      await sleep(10);
      const number = (sent[0] as Buffer).readUInt32BE(0);
      const long = frame(number, kinds.data, Buffer.from('x'));
      long.writeUInt32BE(2 ** 31, 5);
      for (const bad of [Buffer.from('short'), long, Buffer.alloc(8)]) {
        expect(() => mux.take(bad)).toThrow('incomplete frame');
        count();
      }
      for (const odd of ['{', '[]', '"x"', 'null', '{"hello":{}}']) {
        mux.take(frame(0, kinds.control, Buffer.from(odd)));
        count();
      }
      mux.take(frame(7, kinds.data, Buffer.alloc(1000)));
      mux.take(frame(number, 99, Buffer.alloc(1000)));
      const credit = Buffer.alloc(4, 0xff);
      // nobody reads: what comes is kept up to the window, and no further
      for (let n = 0; n < 100; n++) mux.take(frame(number, kinds.data, Buffer.alloc(65_536)));
      expect(stream.destroyed).toBe(true);
      expect(stream.readableLength).toBeLessThanOrEqual(512 * 1024);
      // the credit that it gave is no more than one window
      const other = mux.connect();
      await sleep(10);
      // the frame that opens it is the last one
      const its = (sent.at(-1) as Buffer).subarray(-9).readUInt32BE(0);
      for (let n = 0; n < 1000; n++) mux.take(frame(its, kinds.credit, credit));
      let written = 0;
      other.on('error', () => {});
      for (let n = 0; n < 1000; n++) other.write(Buffer.alloc(65_536), () => written++);
      await sleep(100);
      expect(written * 65_536).toBeLessThanOrEqual(512 * 1024);
      other.destroy();
      count(1102);
    },
  );

  attack({ by: 'a compute node', on: 'here', what: 'opens more connections than a session needs' }, async count => {
    const mux = new Mux({ send: async () => {}, close: () => {} }, () => {});
    const streams = Array.from({ length: 300 }, () => mux.connect());
    await sleep(10);
    expect(streams.filter(stream => !stream.destroyed)).toHaveLength(200);
    for (const stream of streams) stream.destroy();
    expect(existsSync(secret())).toBe(true);
    count(300);
  });
});
