import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { Collector } from '../../src/reana/jobs/collect.js';
import { Hashes } from '../../src/reana/jobs/hashes.js';
import { loudOf } from '../../src/reana/jobs/loud.js';
import { manifestText, probeOf, survey } from '../../src/reana/jobs/manifest.js';
import { Manifests } from '../../src/reana/jobs/manifests.js';
import { jobDir, manifestPath, returnedDir } from '../../src/reana/jobs/places.js';
import { printed } from '../../src/reana/jobs/printed.js';
import type { Change, StepRecord } from '../../src/reana/jobs/record.js';
import { removeTree } from '../../src/reana/tree.js';
import { attack } from './attack.js';
import { end, hollow, type Member, member, octal } from './edge/tarball.js';

let top: string;
let steps: string;
let hashes: Hashes;
let n = 0;
const secret = () => join(top, 'id_ed25519');

/** Beside the steps lies what no step may reach. */
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'scailfin-returned-'));
  steps = join(top, 'steps');
  mkdirSync(steps);
  writeFileSync(secret(), 'exit=0\nPRIVATE KEY\n', { mode: 0o600 });
  hashes = await Hashes.open(join(top, 'hashes'));
});
afterEach(() => removeTree(top));

interface There {
  readonly id: string;
  /** What its job left: the job's shadow writes here, and with it whoever runs the step. */
  readonly at: (name: string) => string;
  readonly workspace: string;
  readonly collect: (disk?: number, exitCode?: number) => Promise<Change>;
}

/** A step that has ended, its workspace as it was. */
async function step(files: Record<string, string> = {}): Promise<There> {
  const id = `step-${n++}`;
  const workspace = join(top, `workspace-${id}`);
  mkdirSync(workspace);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(workspace, name), text);
  mkdirSync(jobDir(steps, id), { recursive: true });
  writeFileSync(manifestPath(steps, id), manifestText(await survey(workspace, hashes), undefined));
  const at = (name: string): string => join(jobDir(steps, id), name);
  writeFileSync(at('report'), 'exit=0\n');
  writeFileSync(at('changed.tar'), end);
  const collect = (disk?: number, exitCode = 0) => {
    const request = { workflow: id, workspace, name: id, image: '', command: '', environment: {}, resources: { disk } };
    const record: StepRecord = { id, request, state: 'running', attempts: 1, created: 0, node: 'c1' };
    return new Collector(steps, hashes, new Manifests()).collect({ ...record, ending: { exitCode, at: 1 } });
  };
  return { id, at, workspace, collect };
}

/** Everything that can stand where a plain file should. */
const guises: Readonly<Record<string, (path: string) => unknown>> = {
  'a link to a key': path => symlinkSync(secret(), path),
  'a dangling link': path => symlinkSync(join(top, 'nothing'), path),
  'a link to itself': path => symlinkSync(path, path),
  'another name of a key': path => linkSync(secret(), path),
  'a pipe': path => spawnSync('mkfifo', [path]),
  'a directory': path => mkdirSync(path),
  'a socket': path =>
    new Promise<void>(resolve => {
      const server = createServer().listen(path, () => resolve());
      server.unref();
    }),
  'a device': path => spawnSync('mknod', [path, 'c', '1', '5']),
};

const put = async (path: string, guise: string): Promise<void> => {
  await rm(path, { force: true });
  await guises[guise]?.(path);
};

describe('what a step leaves for the edge', () => {
  const by = 'a compute node';

  attack({ by, on: 'here', what: 'leaves a link, a pipe, a device or the like as its report' }, async count => {
    for (const guise of Object.keys(guises)) {
      const { at, collect } = await step();
      await put(at('report'), guise);
      const { state, reason } = await collect();
      expect([state, reason], guise).toEqual([
        'failed',
        'it is unknown how it ended on c1: the file report that its node left is not a plain file',
      ]);
      count();
    }
  });

  attack({ by, on: 'here', what: 'leaves a link, a pipe, a device or the like as what it printed' }, async count => {
    for (const name of ['out', 'err']) {
      for (const guise of Object.keys(guises)) {
        const { id, at } = await step();
        await put(at(name), guise);
        const said = await printed(steps, id, 1 << 20);
        expect(said, guise).not.toContain('PRIVATE');
        expect(said, guise).toBe(`scailfin: the file ${name} that its node left is not a plain file\n`);
        count();
      }
    }
  });

  attack({ by, on: 'here', what: 'leaves a link, a pipe, a device or the like as its archive' }, async count => {
    for (const guise of Object.keys(guises)) {
      const { at, collect, workspace } = await step();
      await put(at('changed.tar'), guise);
      const { state, reason } = await collect();
      expect([state, reason], guise).toEqual([
        'failed',
        'its output could not be brought back on c1: the file changed.tar that its node left is not a plain file',
      ]);
      expect(readdirSync(workspace)).toEqual([]);
      count();
    }
  });

  attack({ by, on: 'here', what: "puts a link in place of its job's directory" }, async count => {
    mkdirSync(join(top, 'ssh'));
    for (const name of ['out', 'report']) writeFileSync(join(top, 'ssh', name), 'exit=0\nPRIVATE KEY\n');
    const { id, collect } = await step();
    await rm(jobDir(steps, id), { recursive: true });
    symlinkSync(join(top, 'ssh'), jobDir(steps, id));
    expect(await printed(steps, id, 1 << 20)).not.toContain('PRIVATE');
    expect((await collect()).state).toBe('failed');
    expect(readdirSync(join(top, 'ssh'))).toEqual(['out', 'report']);
    count();
  });

  attack({ by, on: 'here', what: 'rewrites the manifest, so that another step’s work counts as its own' }, async () => {
    const { at, collect, workspace } = await step({ result: 'of the first' });
    // another step changed it meanwhile; the rogue node says that this was there from the start
    writeFileSync(join(workspace, 'result'), 'of another');
    writeFileSync(at('manifest'), manifestText(await survey(workspace, hashes), undefined));
    writeFileSync(at('changed.tar'), Buffer.concat([member({ name: 'result', content: 'mine' }), end]));
    expect((await collect()).state).toBe('finished');
    expect(readFileSync(join(workspace, 'result.~earlier~'), 'utf8')).toBe('of another');
  });

  attack({ by, on: 'here', what: 'leaves a report without end' }, async count => {
    const lines: Record<string, (path: string) => void> = {
      'newlines, 32 MiB': path => writeFileSync(path, Buffer.alloc(32 << 20, '\n')),
      'nothing, 10 TiB': path => truncateSync(path, 10 * 2 ** 40),
      'deleted files, 200,000': path => writeFileSync(path, `exit=0\n${'deleted=YQ==\n'.repeat(200_000)}`),
      'more deleted files than there were': path => writeFileSync(path, `exit=0\n${'deleted=YQ==\n'.repeat(200)}`),
      'one line of 60,000 letters': path => writeFileSync(path, `exit=0\nmessage=${'x'.repeat(60_000)}`),
    };
    for (const [what, make] of Object.entries(lines)) {
      const { at, collect } = await step({ a: 'a' });
      make(at('report'));
      const { state, reason } = await collect();
      expect(state, what).toBe('failed');
      expect(reason, what).toMatch(/^it is unknown how it ended on c1: its report (has|names) /);
      count();
    }
  });

  attack({ by, on: 'here', what: 'says in its report what would write on a terminal' }, async count => {
    const { at, collect } = await step();
    writeFileSync(at('report'), `message=no room\u001b]0;owned\u0007\u001b[2J\u009b1m\u202e${'x'.repeat(5000)}\n`);
    const { reason = '' } = await collect(undefined, 160);
    expect(reason).toContain('no room');
    // the title goes with the sequence that would set it
    expect(reason).not.toContain('owned');
    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    // 500 characters of it, and a few words of ours
    expect(reason.length).toBeLessThan(560);
    count();
  });
});

describe('archives', { timeout: 300_000 }, () => {
  const by = 'a compute node';
  const archive = (...members: (Member | Buffer)[]): Buffer =>
    Buffer.concat([...members.map(one => (Buffer.isBuffer(one) ? one : member(one))), end]);
  /** An old GNU sparse file: no content, and so many bytes long. */
  const sparse = (bytes: number): Member => ({
    ...{ name: 'sparse', type: 'S' },
    more: [
      [386, octal(bytes, 12)],
      [398, octal(0, 12)],
      [483, octal(bytes, 12)],
    ],
  });
  const outside = () => join(top, 'outside');
  const around = (): string =>
    spawnSync('ls', ['-lR', '--time-style=full-iso', outside()], { encoding: 'utf8' }).stdout;
  beforeEach(() => {
    mkdirSync(outside());
    writeFileSync(join(outside(), 'treasure'), 'untouched');
  });

  const refused: Readonly<Record<string, () => Buffer>> = {
    'a character device': () => archive({ name: 'null', type: '3' }),
    'a block device': () => archive({ name: 'sda', type: '4' }),
    'a pipe': () => archive({ name: 'pipe', type: '6' }),
    'a hard link to outside': () => archive({ name: 'key', type: '1', link: secret() }),
    'a hard link upward': () => archive({ name: 'key', type: '1', link: '../../../id_ed25519' }),
    'a hard link through a link': () =>
      archive({ name: 'way', type: '2', link: top }, { name: 'key', type: '1', link: 'way/id_ed25519' }),
    'a hard link within': () => archive({ name: 'a', content: 'a' }, { name: 'b', type: '1', link: 'a' }),
    'a file through a link': () =>
      archive({ name: 'way', type: '2', link: outside() }, { name: 'way/treasure', content: 'harm' }),
    'a path upward': () => archive({ name: '../../../outside/treasure', content: 'harm' }),
    'a sparse file of 8 GiB': () => archive(sparse(2 ** 33 - 1)),
    'a file that is 8 EiB, it says': () => archive({ name: 'huge', size: 2n ** 63n - 1n }),
    'a file that is 7 GiB, it says': () => archive({ name: 'large', size: 7 * 2 ** 30 }),
    'a name of 5,000 letters': () =>
      archive({ name: '././@LongLink', type: 'L', content: `${'d/'.repeat(2500)}x\0` }, { name: 'x', content: 'x' }),
    'a path 300 deep': () =>
      archive({ name: '././@LongLink', type: 'L', content: `${'d/'.repeat(300)}x\0` }, { name: 'x', content: 'x' }),
    'a name of 300 letters': () =>
      archive({ name: '././@LongLink', type: 'L', content: `${'n'.repeat(300)}\0` }, { name: 'x', content: 'x' }),
    'zeros, 96 MiB, well packed': () => gzipSync(archive({ name: 'zeros', content: Buffer.alloc(96 << 20) })),
    '600,000 files, well packed': () => {
      const one = member({ name: 'd/'.repeat(3), type: '5' });
      return gzipSync(archive(Buffer.alloc(one.length * 600_000, one)), { level: 1 });
    },
    'a volume of many': () => archive({ name: 'x', type: 'M', content: 'x' }),
    xz: () => Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(1024, 1)]),
    noise: () => Buffer.alloc(65_536, 'noise'),
    'nothing at all': () => Buffer.alloc(0),
    'a gzip that was cut': () => gzipSync(archive({ name: 'x', content: Buffer.alloc(99_999, 'x') })).subarray(0, 60),
  };

  attack({ by, on: 'here', what: 'returns an archive that would leave its place, or fill the disk' }, async count => {
    const was = around();
    for (const [what, make] of Object.entries(refused)) {
      const { id, at, collect, workspace } = await step({ old: 'old' });
      writeFileSync(at('changed.tar'), make());
      const { state, reason = '' } = await collect(64);
      expect([state, reason], what).toEqual(['failed', expect.stringContaining('could not be brought back on c1: ')]);
      expect(reason, what).not.toContain(top);
      expect(reason, what).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(readdirSync(workspace), what).toEqual(['old']);
      expect(existsSync(returnedDir(steps, id)), what).toBe(false);
      expect(readFileSync(secret(), 'utf8'), what).toContain('PRIVATE');
      expect(around(), what).toBe(was);
      count();
    }
  });

  attack({ by, on: 'here', what: 'returns a name that takes 1 GiB of memory to read' }, async () => {
    const { at, collect } = await step();
    hollow(at('changed.tar'), member({ name: '././@LongLink', type: 'L', size: 2 ** 30 }), 2 ** 30 + 1024);
    const { state, reason } = await collect();
    expect(state).toBe('failed');
    // what refuses is the limit, not what comes after
    expect(reason).toMatch(/memory|too long/);
  });

  attack({ by, on: 'here', what: 'returns files that lend rights, or that nobody can read' }, async count => {
    const { at, collect, workspace } = await step();
    const setuid = { name: 'dir/suid', mode: 0o6755, content: '#!/bin/sh\n' };
    const members = [{ name: 'dir', type: '5', mode: 0o7000 }, setuid, { name: 'dir/none', mode: 0, content: 'x' }];
    writeFileSync(at('changed.tar'), archive(...members));
    expect((await collect()).state).toBe('finished');
    for (const name of ['dir', 'dir/suid', 'dir/none']) {
      const { mode } = lstatSync(join(workspace, name));
      expect([name, mode & 0o7000, mode & 0o400]).toEqual([name, 0, 0o400]);
      count();
    }
  });

  attack({ by, on: 'here', what: 'returns names that would write on a terminal, and collides with them' }, async () => {
    const name = '\u001b]0;owned\u0007\u001b[2J';
    const { id, at, collect, workspace } = await step({ [name]: 'old' });
    writeFileSync(join(workspace, name), 'changed meanwhile');
    writeFileSync(at('changed.tar'), archive({ name, content: 'new' }));
    expect((await collect()).state).toBe('finished');
    expect(await printed(steps, id, 1 << 20)).toMatch(/^[^\p{Cc}]+\n$/u);
  });

  attack({ by, on: 'here', what: 'keeps the edge busy with a bomb while other runs go on' }, async () => {
    const bomb = await step();
    const one = member({ name: 'd/', type: '5' });
    writeFileSync(bomb.at('changed.tar'), gzipSync(archive(Buffer.alloc(one.length * 600_000, one)), { level: 1 }));
    const other = await step();
    writeFileSync(other.at('changed.tar'), archive({ name: 'result', content: 'done' }));
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const order: string[] = [];
    await Promise.all([
      bomb.collect().then(({ state }) => order.push(`bomb ${state}`)),
      other.collect().then(({ state }) => order.push(`other ${state}`)),
    ]);
    delay.disable();
    expect(order).toEqual(['other finished', 'bomb failed']);
    expect(delay.max / 1e9).toBeLessThan(2);
  });

  attack({ by, on: 'here', what: 'deletes what it never had: no directory appears where none was' }, async () => {
    const { at, collect, workspace } = await step({ a: 'a', b: 'b' });
    writeFileSync(at('report'), `exit=0\ndeleted=${Buffer.from('x/y/z').toString('base64')}\n`);
    expect((await collect()).state).toBe('finished');
    expect(readdirSync(workspace)).toEqual(['a', 'b']);
  });
});

describe('a workspace', () => {
  attack(
    { by: 'a step', on: 'here', what: 'has the probe written through a link, or waits for a pipe' },
    async count => {
      for (const guise of Object.keys(guises)) {
        const { workspace } = await step();
        await put(join(workspace, '.scailfin-probe'), guise);
        expect(await probeOf(workspace), guise).toBeUndefined();
        expect(existsSync(join(top, 'nothing')), guise).toBe(false);
        expect(readFileSync(secret(), 'utf8'), guise).toBe('exit=0\nPRIVATE KEY\n');
        count();
      }
    },
  );
});

describe('what is printed', () => {
  attack({ by: 'a step', on: 'here', what: 'prints without end' }, async () => {
    const [quiet, loud] = [await step(), await step()];
    writeFileSync(quiet.at('out'), 'hello\n');
    writeFileSync(loud.at('err'), '');
    truncateSync(loud.at('err'), 10 * 2 ** 40);
    expect(await loudOf(steps, [quiet.id, loud.id])).toEqual([
      { id: loud.id, reason: 'it printed more than 1024 MiB' },
    ]);
  });
});
