import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/paths.js';
import { Hashes } from '../../../src/reana/jobs/hashes.js';
import { manifestText, parseManifest, survey } from '../../../src/reana/jobs/manifest.js';
import { merge } from '../../../src/reana/jobs/merge.js';
import { Claims } from '../../../src/reana/space.js';
import { outcomeOf, readReport } from '../../../src/steps/report.js';
import { end, type Member, member } from '../../attack/edge/tarball.js';

// The edge and the backend of REANA's job controller do the same with the same: see the README beside this file.

type Entry = string | { file: string; mode?: string } | { link: string } | { dir: true; mode?: string } | null;
type Tree = { readonly [path: string]: Entry };

const here = fileURLToPath(new URL('.', import.meta.url));
const vectors = <T>(name: string): T[] => JSON.parse(readFileSync(join(here, `${name}.json`), 'utf8')) as T[];

let top: string;
let hashes: Hashes;
beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'scailfin-wire-'));
  hashes = await Hashes.open(join(top, 'hashes'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** What the Python program makes of each vector. */
function backend<T>(what: string, input: readonly unknown[]): T[] {
  const env = {
    ...{ PATH: process.env.PATH, HOME: top, TMPDIR: top, LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
    ...{ PYTHONPATH: join(packageRoot, 'templates/headnode/reana'), SCAILFIN_RESERVE_BYTES: '0' },
  };
  const said = execFileSync('python3', [join(here, 'wire.py'), what], { input: JSON.stringify(input), env });
  return JSON.parse(said.toString()) as T[];
}

/** Makes a tree, or changes one; what is removed is named before what held it. */
function plant(dir: string, tree: Tree): void {
  for (const [path, entry] of Object.entries(tree)) {
    const full = join(dir, path);
    const is = typeof entry === 'string' ? { file: entry } : entry;
    const old = lstatSync(full, { throwIfNoEntry: false });
    if (old && !(is && 'file' in is && old.isFile())) rmSync(full, { recursive: true });
    if (!is) continue;
    mkdirSync(dirname(full), { recursive: true });
    if ('link' in is) symlinkSync(is.link, full);
    else {
      if ('dir' in is) mkdirSync(full);
      else writeFileSync(full, is.file);
      chmodSync(full, Number.parseInt(is.mode ?? ('dir' in is ? '755' : '644'), 8));
    }
  }
}

/** All paths, through no link. */
function pathsIn(dir: string, under = ''): string[] {
  return readdirSync(join(dir, under), { withFileTypes: true }).flatMap(entry => {
    const path = join(under, entry.name);
    return entry.isDirectory() ? [path, ...pathsIn(dir, path)] : [path];
  });
}

/** What is there, as a tree that says of modes what `like` says of them. */
function lookAt(dir: string, like: Tree): Tree {
  const found: Record<string, Entry> = {};
  for (const path of pathsIn(dir)) {
    const full = join(dir, path);
    const stats = lstatSync(full);
    const wanted = like[path];
    const mode = wanted && typeof wanted === 'object' && 'mode' in wanted && (stats.mode & 0o7777).toString(8);
    const isText = typeof wanted === 'string';
    if (stats.isSymbolicLink()) found[path] = { link: readlinkSync(full) };
    else if (stats.isDirectory()) found[path] = { dir: true, ...(mode ? { mode } : {}) };
    else if (isText) found[path] = readFileSync(full, 'utf8');
    else found[path] = { file: readFileSync(full, 'utf8'), ...(mode ? { mode } : {}) };
  }
  return found;
}

describe('the manifest of a workspace', () => {
  const all = vectors<{ what: string; tree: Tree; manifest: string[] }>('manifest');
  let theirs: string[];
  const workspace = (n: number): string => join(top, 'manifest', String(n));
  beforeAll(() => {
    all.forEach(({ tree }, n) => {
      mkdirSync(workspace(n), { recursive: true });
      plant(workspace(n), tree);
    });
    theirs = backend<string>(
      'manifest',
      all.map((_, n) => ({ workspace: workspace(n) })),
    );
  });

  it.each(all.map((v, n) => [v.what, v, n] as const))('%s', async (_, { manifest }, n) => {
    const wanted = `${manifest.join('\n')}\n`;
    expect(manifestText(await survey(workspace(n), hashes), undefined)).toBe(wanted);
    expect(theirs[n]).toBe(wanted);
  });
});

interface ReportVector {
  readonly what: string;
  readonly job: { exitCode?: number; signal?: number };
  readonly report: string | null;
  readonly node?: string;
  /** How many things the step found in its workspace. */
  readonly before?: number;
  readonly is: { state?: string; reason?: string; deleted?: string[]; fails?: string };
}

describe('what became of a step', () => {
  const all = vectors<ReportVector>('report');
  let theirs: { state?: string; reason?: string | null; deleted?: string[]; fails?: string }[];
  beforeAll(() => {
    theirs = backend('report', all);
  });

  it.each(all.map((v, n) => [v.what, v, n] as const))('%s', async (_, vector, n) => {
    const { is } = vector;
    const { deleted, fails, ...outcome } = theirs[n] ?? {};
    const ours = await ourReport(vector);
    if (is.fails !== undefined) {
      expect(ours).toMatchObject({ fails: expect.stringContaining(is.fails) });
      expect(fails).toContain(is.fails);
      return;
    }
    const wanted = { state: is.state, reason: is.reason, deleted: is.deleted ?? [] };
    expect(ours).toEqual(wanted);
    expect({ ...outcome, reason: outcome.reason ?? undefined, deleted }).toEqual(wanted);
  });

  async function ourReport({ job, report: text, node, before = 0 }: ReportVector) {
    const path = join(top, 'report');
    if (text !== null) writeFileSync(path, text);
    const file = text === null ? undefined : await open(path);
    try {
      const found = Array.from({ length: before }, (_, n) => ({ path: `some/file/${n}` }));
      const report = file && (await readReport(file, found));
      const { state, reason } = outcomeOf(job, report, node);
      return { state, reason, deleted: report?.deleted ?? [] };
    } catch (error) {
      return { fails: String(error) };
    } finally {
      await file?.close();
    }
  }
});

interface MergeVector {
  readonly what: string;
  /** The workspace as the step got it; what others did with it since; and as it is then. */
  readonly before: Tree;
  readonly meanwhile?: Tree;
  readonly after: Tree;
  readonly writers?: Readonly<Record<string, string>>;
  readonly members?: readonly (Omit<Member, 'mode'> & { mode?: string })[];
  /** Instead of members. */
  readonly archive?: string;
  readonly packed?: boolean;
  readonly deleted?: readonly string[];
  readonly notes?: readonly string[];
  readonly fails?: string;
}

describe('what a step returns', () => {
  const all = vectors<MergeVector>('merge');
  let theirs: { notes?: string[]; fails?: string }[];
  const at = (n: number, whose: string): string => join(top, 'merge', String(n), whose, 'workspace');
  const archiveOf = (n: number): string => join(top, 'merge', String(n), 'changed.tar');
  const manifests: string[] = [];

  beforeAll(async () => {
    for (const [n, { before, meanwhile = {}, members = [], archive, packed }] of all.entries()) {
      for (const whose of ['ours', 'theirs']) {
        mkdirSync(at(n, whose), { recursive: true });
        plant(at(n, whose), before);
      }
      manifests.push(manifestText(await survey(at(n, 'ours'), hashes), undefined));
      for (const whose of ['ours', 'theirs']) plant(at(n, whose), meanwhile);
      const parts = members.flatMap(({ mode, ...about }) => [
        // GNU tar's way for a name that a header has no room for
        ...(about.name.length > 100 ? [member({ name: '././@LongLink', type: 'L', content: `${about.name}\0` })] : []),
        member({ ...about, mode: Number.parseInt(mode ?? '644', 8) }),
      ]);
      const tar = Buffer.from(archive ?? Buffer.concat([...parts, end]));
      writeFileSync(archiveOf(n), packed ? gzipSync(tar) : tar);
    }
    const { length } = all;
    const places = Array.from({ length }, (_, n) => ({ workspace: at(n, 'theirs'), archive: archiveOf(n) }));
    theirs = backend(
      'merge',
      all.map((vector, n) => ({ ...vector, ...places[n], manifest: manifests[n] })),
    );
  });

  it.each(all.map((v, n) => [v.what, v, n] as const))('%s', async (_, vector, n) => {
    const { after, notes = [], fails } = vector;
    const ours = await ourMerge(vector, n);
    for (const [whose, said] of [['ours', ours] as const, ['theirs', theirs[n]] as const]) {
      if (fails === undefined) expect(said, whose).toEqual({ notes });
      else expect(said, whose).toEqual({ fails: expect.stringContaining(fails) });
      expect(lookAt(at(n, whose), after), whose).toEqual(after);
      expect(readdirSync(dirname(at(n, whose))), `${whose}: nothing outside`).toEqual(['workspace']);
    }
  });

  async function ourMerge({ writers = {}, deleted = [] }: MergeVector, n: number) {
    const archive = await open(archiveOf(n));
    const about = { workspace: at(n, 'ours'), before: parseManifest(manifests[n] as string), name: 'fit', deleted };
    try {
      const staged = join(top, 'merge', String(n), 'staged');
      const who = new Map(Object.entries(writers));
      return { notes: await merge({ ...about, archive, staged, writers: who, hashes, claims: new Claims(top) }) };
    } catch (error) {
      return { fails: String(error) };
    } finally {
      await archive.close();
    }
  }
});
