import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { description } from '../../src/reana/jobs/description.js';
import { Hashes } from '../../src/reana/jobs/hashes.js';
import { Journal } from '../../src/reana/jobs/journal.js';
import {
  type Item,
  manifestText,
  pack,
  parseManifest,
  probeOf,
  sha256,
  smallOf,
  survey,
  wayName,
} from '../../src/reana/jobs/manifest.js';
import { merge } from '../../src/reana/jobs/merge.js';
import { fold } from '../../src/reana/jobs/record.js';
import type { StepRequest } from '../../src/reana/jobs/step.js';
import { Claims } from '../../src/reana/space.js';
import { stepEnvironment } from '../../src/steps/environment.js';
import { outcomeOf, parseReport } from '../../src/steps/report.js';

let dir: string;
let workspace: string;
let hashes: Hashes;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scailfin-files-'));
  workspace = join(dir, 'workspace');
  mkdirSync(workspace);
  hashes = await Hashes.open(join(dir, 'hashes'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});
const put = (path: string, text: string): void => writeFileSync(join(workspace, path), text);
const said = (path: string): string => readFileSync(join(workspace, path), 'utf8');

describe('the manifest of a workspace', () => {
  it('names all there is, whatever its name, and is read back alike', async () => {
    mkdirSync(join(workspace, 'a dir'));
    put('a dir/line\nend', 'x');
    put('-rf', 'y');
    // another step's output, on its way: it would be gone when it is packed
    put(`a dir/${wayName()}`, 'z');
    symlinkSync('../nowhere', join(workspace, 'a dir/link'));
    execFileSync('mkfifo', [join(workspace, 'pipe')]);
    const probe = await probeOf(workspace);
    expect(await probeOf(workspace)).toBe(probe);
    const items = await survey(workspace, hashes);
    expect(items.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'f -rf',
      'd a dir',
      'f a dir/line\nend',
      'l a dir/link',
    ]);
    expect(items[0]).toMatchObject({ size: 1, mode: 0o644, sha256: sha256('y') });
    const text = manifestText(items, probe);
    expect(text.split('\n')[0]).toBe(`probe .scailfin-probe ${probe}`);
    expect(parseManifest(text)).toEqual(items);
    await pack(workspace, smallOf(items), join(dir, 'small.tar'));
    const packed = execFileSync('tar', ['tf', join(dir, 'small.tar'), '--quoting-style=literal'], { encoding: 'utf8' });
    expect(packed).toBe('./-rf\n./a dir/line\nend\n./a dir/link\n');
  });

  it('keeps what comes with the job below its limits', () => {
    const file = (size: number, path = 'f'): Item => ({ path, kind: 'f', sha256: '', size, mode: 0o644 });
    const many = Array.from({ length: 300 }, () => file(65_535));
    expect(smallOf([file(65_536), file(65_535)])).toHaveLength(1);
    expect(smallOf(many)).toHaveLength(256);
  });

  it('does not read a large file again that did not change, not even in another process', async () => {
    const path = join(workspace, 'large');
    writeFileSync(path, Buffer.alloc(2 << 20, 1));
    await new Promise(resolve => setTimeout(resolve, 100));
    const [before] = await survey(workspace, hashes);
    const again = await Hashes.open(join(dir, 'hashes'));
    const stats = statSync(path, { bigint: true });
    // another file's content under the stamp of the one that is known
    expect(await again.of('/dev/null', stats)).toBe(before?.sha256);
    appendFileSync(path, 'more');
    expect((await survey(workspace, again))[0]?.sha256).not.toBe(before?.sha256);
  });

  it.each([0, 1, 5, (1 << 18) - 1, 1 << 18, 3 << 20])('has the hash of all of a file of %d bytes', async size => {
    const path = join(workspace, 'file');
    const old = ['', 'x', 'longer than it is now', 'z'.repeat(400_000)].map(text => {
      writeFileSync(path, text);
      return statSync(path, { bigint: true });
    });
    const content = randomBytes(size);
    writeFileSync(path, content);
    const { sha256: hash } = (await survey(workspace, hashes))[0] ?? {};
    expect(hash).toBe(sha256(content));
    // a step may write a file between the look at its size and the look at its content
    for (const stats of old) expect(await hashes.of(path, stats)).toBe(hash);
  });
});

describe('what a step brought back', () => {
  /** Merges what `make` makes in an empty directory. */
  const bring = async (
    before: Item[],
    make: (at: string) => void,
    more: { deleted?: string[]; name?: string } = {},
  ) => {
    const made = await mkdtemp(join(dir, 'made-'));
    make(made);
    const archive = join(dir, 'changed.tar');
    execFileSync('tar', ['czf', archive, '-C', made, '.']);
    const { deleted = [], name = 'step' } = more;
    const staged = join(dir, 'returned');
    return merged({ workspace, before, archive, staged, deleted, writers, name, hashes });
  };
  const merged = async (returned: Omit<Parameters<typeof merge>[0], 'archive' | 'claims'> & { archive: string }) => {
    const archive = await open(returned.archive);
    return merge({ ...returned, archive, claims: new Claims(dir) }).finally(() => archive.close());
  };
  let writers: Map<string, string>;
  beforeEach(() => {
    writers = new Map();
  });
  const make = (files: Record<string, string>) => (at: string) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(at, path, '..'), { recursive: true });
      writeFileSync(join(at, path), text);
    }
  };

  it('comes into the workspace, again without a change', async () => {
    put('old', 'one');
    put('gone', 'x');
    mkdirSync(join(workspace, 'empty'));
    const before = await survey(workspace, hashes);
    const files = make({ old: 'two', 'new/deep/file': 'three' });
    const more = { deleted: ['empty', 'gone'] };
    expect(await bring(before, files, more)).toEqual([]);
    expect(await bring(before, files, more)).toEqual([]);
    expect(readdirSync(workspace)).toEqual(['new', 'old']);
    expect([said('old'), said('new/deep/file')]).toEqual(['two', 'three']);
  });

  it('never loses what another step wrote meanwhile', async () => {
    put('both', 'at first');
    put('gone', 'at first');
    const before = await survey(workspace, hashes);
    await bring(before, make({ both: 'of a', gone: 'of a' }), { name: 'a' });
    const notes = await bring(before, make({ both: 'of b' }), { name: 'b', deleted: ['gone'] });
    expect(notes).toHaveLength(2);
    expect([said('both'), said('both.~a~'), said('gone')]).toEqual(['of b', 'of a', 'of a']);
    await bring(before, make({ both: 'of c' }), { name: 'c' });
    expect([said('both'), said('both.~b~'), said('both.~a~')]).toEqual(['of c', 'of b', 'of a']);
  });

  it('never goes through a link, nor out of the workspace', async () => {
    const outside = join(dir, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'safe');
    symlinkSync(outside, join(workspace, 'link'));
    const before = await survey(workspace, hashes);
    expect(await bring(before, at => symlinkSync(outside, join(at, 'fresh')))).toEqual([]);
    for (const deleted of ['../outside/file', '/etc/hosts', 'link/file', 'a/../../outside/file']) {
      await expect(
        bring(before, () => {}, { deleted: [deleted] }),
        deleted,
      ).rejects.toThrow(/outside|no directory/);
    }
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('safe');
    // what was a link is a directory now
    expect(await bring(before, make({ 'link/file': 'harm' }))).toEqual([]);
    expect(said('link/file')).toBe('harm');
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('safe');
    expect(readdirSync(outside)).toEqual(['file']);
  });

  it("that can't be read is an error", async () => {
    writeFileSync(join(dir, 'changed.tar'), 'no archive');
    const archive = join(dir, 'changed.tar');
    const staged = join(dir, 'returned');
    const merging = merged({ workspace, before: [], archive, staged, deleted: [], writers, name: 'x', hashes });
    await expect(merging).rejects.toThrow("can't be unpacked");
    expect(existsSync(staged)).toBe(false);
  });
});

describe('the report of a wrapper', () => {
  const outcome = (exitCode: number, text?: string) =>
    outcomeOf({ exitCode }, text === undefined ? undefined : parseReport(text), 'c1');

  it("tells the step's own status from the wrapper's", () => {
    expect(outcome(0, 'exit=0\n')).toEqual({ state: 'finished', exitCode: 0 });
    expect(outcome(162, 'exit=162\n')).toMatchObject({ exitCode: 162, reason: 'its command ended with status 162' });
    expect(outcome(163, 'exit=0\n')).toEqual({
      state: 'failed',
      reason: 'its output could not be brought back on c1',
    });
    expect(outcome(160, 'message=shifter says no\n').reason).toBe('on c1: shifter says no');
    expect(outcome(161, "message=this node can't reach R\nhint=Name a path\n").reason).toBe(
      "node c1 can't reach R. Name a path",
    );
    expect(outcome(0)).toMatchObject({ state: 'failed', reason: 'it ended on c1 with status 0 and no report' });
    expect(outcomeOf({ signal: 9 }, undefined, undefined)).toEqual({ state: 'failed', reason: 'signal 9 ended it' });
  });

  it('names what was deleted', () => {
    const text = `exit=0\ndeleted=${Buffer.from('a\nb').toString('base64')}\nshared=yes\n`;
    expect(parseReport(text)).toMatchObject({ exit: 0, shared: true, deleted: ['a\nb'] });
  });
});

const b64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what is written for HTCondor and the wrapper', () => {
  const request: StepRequest = {
    ...{
      workflow: 'w',
      workspace: '/w s',
      name: "it's",
      image: '',
      command: 'echo "$(x)" \'y\'\n',
      environment: { A: "1'2\n" },
    },
    resources: { memory: 100.5, time: 60 },
  };

  it('has a row per step', () => {
    const place = { dir: '/edge/steps', wrapper: '/edge/wrapper/step.sh', log: '/edge/steps/events/log' };
    const text = description(place, [{ id: 'one', request, inputBytes: 1024 }]);
    expect(text).toContain('queue step cores memory disk time workspace from (\none 1 101 1048577 180 /w s\n)');
    expect(text).not.toContain('job_lease_duration');
    expect(description({ ...place, lease: 30 }, [])).toContain('job_lease_duration = 30');
  });

  it('says to the shell what was asked for', async () => {
    put('a key', "it's secret\n");
    const script = `${await stepEnvironment('one', { ...request, secrets: workspace })}\nprintf '%s|' "$secrets_b64" "$workspace" "$name" "$(echo "$command_b64" | base64 -d)" "$(echo "$environment_b64" | base64 -d)"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(
      `${b64('a key')} ${b64("it's secret\n")}|/w s|it's|echo "$(x)" 'y'|A=1'2|`,
    );
  });
});

async function all<T>(some: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of some) found.push(each);
  return found;
}

describe("the service's journal", () => {
  it('gives back what has no value as it was, however deep: a step that ended has no signal, not one called null', async () => {
    const path = join(dir, 'journal.jsonl');
    const ending = { exitCode: 0, signal: undefined, at: 5 };
    const journal = await Journal.begin(path, []);
    await journal.append({ id: 'a', set: { ending, reason: undefined } });
    await journal.close();
    expect(await all(Journal.read(path))).toStrictEqual([{ id: 'a', set: { ending, reason: undefined } }]);
  });

  it('survives a line that was cut', async () => {
    const path = join(dir, 'journal.jsonl');
    const journal = await Journal.begin(path, [{ read: 7 }]);
    const step = { request: {} as StepRequest, state: 'queued' as const, attempts: 0, created: 1, reason: 'because' };
    await Promise.all([
      journal.append({ id: 'a', set: { id: 'a', ...step } }),
      journal.append({ id: 'b', set: { id: 'b', ...step } }),
      journal.append({ id: 'a', set: { state: 'running', reason: undefined }, read: 99 }),
    ]);
    await journal.close();
    appendFileSync(path, '\n{"id":"b","set":{"state":"fini');
    const { steps, read } = await fold(Journal.read(path));
    expect(read).toBe(99);
    expect([...steps.keys()]).toEqual(['a', 'b']);
    expect(steps.get('a')).toMatchObject({ state: 'running', reason: undefined });
    expect(steps.get('b')?.state).toBe('queued');
    const again = await Journal.begin(path, [{ id: 'a', set: { id: 'a', ...step } }]);
    await again.append({ id: 'a', forget: true });
    await again.close();
    expect((await fold(Journal.read(path))).steps.size).toBe(0);
  });
});
