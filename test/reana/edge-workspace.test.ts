import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archive } from '../../src/reana/edge/workspace/archive.js';
import { move, remove } from '../../src/reana/edge/workspace/change.js';
import { find } from '../../src/reana/edge/workspace/find.js';
import { walk } from '../../src/reana/edge/workspace/inside.js';
import { diskUsage, list } from '../../src/reana/edge/workspace/listing.js';
import { prune } from '../../src/reana/edge/workspace/prune.js';
import { openFile } from '../../src/reana/edge/workspace/read.js';
import { sizeOf } from '../../src/reana/edge/workspace/sizes.js';
import { upload } from '../../src/reana/edge/workspace/upload.js';
import { removeTree } from '../../src/reana/tree.js';
import { until } from '../lab/programs.js';
import { TestEdge, token } from './edge/edges.js';

let top: string;
let root: string;
let incoming: string;

/** Around the workspace lies what nothing may reach; in it, links that a step has made lead there. */
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'scailfin-workspace-'));
  [root, incoming] = [join(top, 'workspace'), join(top, 'incoming')];
  for (const dir of ['outside', 'incoming']) mkdirSync(join(top, dir));
  writeFileSync(join(top, 'outside/treasure'), 'untouched');
  furnish();
});
afterEach(() => rm(top, { recursive: true, force: true }));

function furnish(): void {
  mkdirSync(join(root, 'data/deep'), { recursive: true });
  writeFileSync(join(root, 'data/a.txt'), 'a');
  writeFileSync(join(root, 'data/deep/.b.txt'), 'bb');
  symlinkSync('../outside', join(root, 'way'));
  symlinkSync('../outside/treasure', join(root, 'link'));
  symlinkSync('.', join(root, 'data/ring'));
  symlinkSync('/', join(root, 'data/root'));
}

/** All that is outside, and whatever would change if somebody wrote there. */
const state = (): unknown =>
  ['.', ...readdirSync(join(top, 'outside'), { recursive: true, encoding: 'utf8' })].sort().map(path => {
    const { ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = lstatSync(join(top, 'outside', path), {
      bigint: true,
    });
    return { path, ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs };
  });
const untouched = (): void => {
  expect(readFileSync(join(top, 'outside/treasure'), 'utf8')).toBe('untouched');
};

const name = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    'way',
    'link',
    'data',
    'root',
    'ring',
    'deep',
    'a.txt',
    'treasure',
    'outside',
    'tmp',
    '*',
    '**',
  ),
  fc.constantFrom('%2e%2e', '..%2f', '~', '\\..', '[', '{a,b}', '!(x)', '?', 'proc', 'self'),
  fc.string({ maxLength: 12 }),
);
const path = fc
  .tuple(fc.constantFrom('', '/', '//', './', '../'), fc.array(name, { maxLength: 6 }))
  .map(([front, names]) => front + names.join('/'));

const all = async (entries: AsyncIterable<{ path: string } | { name: string }>): Promise<string[]> => {
  const paths: string[] = [];
  for await (const entry of entries) paths.push('name' in entry ? entry.name : entry.path);
  return paths;
};

describe('pruning', () => {
  const names = async (): Promise<string[]> => (await find(root, '')).map(({ path }) => path).sort();

  it('keeps what is named, with the directories on the way, and follows no link', async () => {
    mkdirSync(join(root, 'data/empty'));
    await prune(root, ['./data/deep/', 'nothing/here']);
    expect(await names()).toEqual(['data', 'data/deep', 'data/deep/.b.txt']);
    untouched();
    await prune(root, []);
    expect(await names()).toEqual([]);
    untouched();
  });

  it('removes nothing where the whole workspace is named', async () => {
    const before = await names();
    await prune(root, ['.']);
    expect(await names()).toEqual(before);
  });
});

describe('paths', () => {
  it('never lead out of a workspace', async () => {
    const before = state();
    let runs = 0;
    const quiet = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
    await fc.assert(
      fc.asyncProperty(path, path, async (one, other) => {
        await quiet(upload(root, one, Readable.from(['x']), incoming));
        await quiet(move(root, one, other));
        const read = (await quiet(openFile(root, other))) as Awaited<ReturnType<typeof openFile>> | undefined;
        expect(await read?.readFile('utf8')).not.toBe('untouched');
        await read?.close();
        for (const entry of (await quiet(find(root, one)).then(found => found ?? [])) as { path: string }[]) {
          expect(realpathSync(join(root, dirname(entry.path)))).toBe(join(root, dirname(entry.path)));
        }
        await quiet(remove(root, other));
        expect(state()).toEqual(before);
        untouched();
        // it starts a program, which takes longer than all the rest together
        if (runs++ % 10 === 0) await removeTree(root);
        else await rm(root, { recursive: true, force: true });
        expect(state()).toEqual(before);
        furnish();
      }),
      // it ends before the test's limit does: what would go on after that has its directory taken away
      { numRuns: 300, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true },
    );
    expect(await readdir(incoming)).toEqual([]);
    expect((await readdir(top)).sort()).toEqual(['incoming', 'outside', 'workspace']);
  });

  it('never go through links', async () => {
    for (const way of ['way/new', 'way/treasure', 'data/root/tmp/new', 'data/ring/a.txt']) {
      await expect(upload(root, way, Readable.from(['x']), incoming), way).rejects.toThrow('Opening symlink');
      await expect(openFile(root, way), way).rejects.toThrow('Opening symlink');
      await expect(move(root, 'data/a.txt', way), way).rejects.toThrow('Opening symlink');
    }
    await expect(openFile(root, 'link')).rejects.toThrow("Opening symlink 'link' is not allowed");
    await expect(move(root, 'data/../../outside/treasure', 'x')).rejects.toThrow("'..' is not a valid path component");
    // a link is replaced and removed as such
    await upload(root, 'link', Readable.from(['mine']), incoming);
    expect(lstatSync(join(root, 'link')).isFile()).toBe(true);
    expect(Object.keys((await remove(root, 'way')).deleted)).toEqual(['way']);
    untouched();
  });

  it('are walked once, links as what they are', async () => {
    const files = ['data', 'data/a.txt', 'data/deep', 'data/deep/.b.txt', 'data/ring', 'data/root', 'link', 'way'];
    expect(await all(walk(root))).toEqual(files);
    const names = list(root, '', undefined, false);
    expect(await all(names)).toEqual(files.filter(f => !/^data(\/deep)?$/.test(f)));
    expect((await find(root, 'data')).map(f => f.path)).toEqual(files.slice(1, 6));
    expect((await find(root, '**/*.txt')).map(f => f.path)).toEqual(['data/a.txt', 'data/deep/.b.txt']);
    expect((await find(root, 'data/*')).map(f => f.path)).toEqual([
      'data/a.txt',
      'data/deep',
      'data/ring',
      'data/root',
    ]);
  });

  it('may be patterns that no workspace has', async () => {
    for (const odd of ['[', '[[:x:]', '*'.repeat(5000), '{a,b}', '!(a)', '\\']) {
      await find(root, odd).then(
        found => expect(found, odd).toEqual([]),
        error => expect(String(error), odd).toContain('not valid'),
      );
    }
  });

  it('may be named pipes, which nobody waits for', async () => {
    spawnSync('mkfifo', [join(root, 'pipe')]);
    await expect(openFile(root, 'pipe')).rejects.toThrow("'pipe' is not a regular file");
  });
});

describe('files', () => {
  it('are counted as du does', async () => {
    writeFileSync(join(root, 'data/big'), Buffer.alloc(3e6));
    spawnSync('ln', [join(root, 'data/big'), join(root, 'again')]);
    const { stdout } = spawnSync('du', ['-a', '--block-size=1', '.'], { cwd: root, encoding: 'utf8' });
    const theirs = new Map(
      stdout
        .trim()
        .split('\n')
        .map(line => line.split('\t') as [string, string])
        .map(([size, name]) => [name.slice(1), Number(size)]),
    );
    const ours = await diskUsage(root, false, undefined);
    expect(ours.at(-1)).toEqual({ name: '', size: sizeOf(theirs.get('') ?? -1) });
    expect((await diskUsage(root, true, undefined))[0]?.size.raw).toBe(theirs.get(''));
    expect(ours.find(({ name }) => name === '/data/deep')?.size.raw).toBe(theirs.get('/data/deep'));
  });

  it('have sizes that read well', () => {
    const shown = [0, 1, 1023, 1024, 1536, 10 * 2 ** 20, 2 ** 30 * 2.345].map(n => sizeOf(n).human_readable);
    expect(shown).toEqual(['0 Bytes', '1 Bytes', '1023 Bytes', '1 KiB', '1.5 KiB', '10 MiB', '2.35 GiB']);
  });

  it('come as an archive that others can read, without the links', async () => {
    writeFileSync(join(root, 'data/empty ü.txt'), '');
    writeFileSync(join(root, 'data/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    const zip = join(top, 'all.zip');
    writeFileSync(zip, Buffer.concat(await archive(root, await find(root, '**')).toArray()));
    const script =
      'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(*z.namelist(), sep="\\n")';
    const { stdout } = spawnSync('python3', ['-c', script, zip], { encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual(['data/a.txt', 'data/deep/.b.txt', 'data/empty ü.txt', 'data/run.sh']);
  });

  it('break an archive off when they vanish', async () => {
    const entries = await find(root, '**/*.txt');
    await rm(join(root, 'data/deep'), { recursive: true });
    await expect(archive(root, entries).toArray()).rejects.toThrow('does not exist');
  });

  it('are removed with the tree, whatever a step made of them', async () => {
    writeFileSync(join(root, 'data/deep/fixed'), '', { mode: 0o400 });
    spawnSync('chmod', ['-R', 'a-w', join(root, 'data')]);
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
    untouched();
  });
});

describe('uploads', () => {
  it('that are cut off leave the old file, and nothing else', async () => {
    const edge = await TestEdge.open();
    try {
      const run = await edge.create(['true']);
      expect((await edge.upload(run, 'input.dat', 'old')).status).toBe(200);
      const path = `/api/workflows/${run}/workspace?file_name=input.dat&access_token=${token}`;
      const request = http.request(`${edge.url}${path}`, { method: 'POST' });
      request.on('error', () => {});
      request.setHeader('Content-Type', 'application/octet-stream').setHeader('Content-Length', 1e6);
      request.write(Buffer.alloc(1e5));
      const parts = join(edge.dir, 'incoming');
      await until('the upload to begin', 60_000, async () => (await readdir(parts)).length === 1);
      request.destroy();
      await until('its end to be noticed', 60_000, async () => (await readdir(parts)).length === 0);
      expect(await (await edge.fetch(`/api/workflows/${run}/workspace/input.dat`)).text()).toBe('old');
    } finally {
      await edge.close();
    }
  });

  it('that can not be kept are answered all the same', async () => {
    const edge = await TestEdge.open();
    try {
      const run = await edge.create(['true']);
      const large = Buffer.alloc(16 * 2 ** 20);
      await edge.upload(run, 'file', 'x');
      const refused = await edge.upload(run, 'file/below', large);
      expect([refused.status, await refused.json()]).toMatchObject([
        404,
        { message: expect.stringContaining('ENOTDIR') },
      ]);
      await rm(join(edge.dir, 'incoming'), { recursive: true });
      expect((await edge.upload(run, 'other', large)).status).toBe(404);
    } finally {
      await edge.close();
    }
  });

  it('are refused where they lead out', async () => {
    const edge = await TestEdge.open();
    try {
      const run = await edge.create(['true']);
      for (const name of ['../x', '/../x', 'a/../../x', '..']) {
        const answer = await edge.upload(run, name, 'x');
        expect([answer.status, await answer.json()], name).toEqual([
          400,
          { message: "'..' is not a valid path component" },
        ]);
      }
      for (const name of ['..%2Fx', '%2e%2e%2f%2e%2e%2fsettings.json', '%2Fetc%2Fpasswd', 'a%00b', '..%5cx']) {
        const answer = await edge.fetch(`/api/workflows/${run}/workspace/${name}`);
        expect([400, 404], name).toContain(answer.status);
      }
      expect((await readdir(edge.dir)).sort()).toEqual(['incoming', 'pool.jsonl', 'runs', 'secrets', 'workspaces']);
    } finally {
      await edge.close();
    }
  });
});
