import { createHash, randomUUID } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { appendFile, chmod, mkdir, open, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../../errors.js';
import type { StepCache } from '../../engines/cache.js';
import type { Hashes } from '../../jobs/hashes.js';
import { type Item, itemIn, survey } from '../../jobs/manifest.js';
import type { StepRequest } from '../../jobs/step.js';
import { spaceAt } from '../../space.js';
import { removeTree } from '../../tree.js';
import { inside, namesOf } from '../workspace/inside.js';
import type { RunBook } from './book.js';
import { fullName, type RunRecord } from './record.js';

/** What a step did to its workspace. */
interface Kept {
  readonly id: string;
  /** Of all that the step depends on. */
  readonly key: string;
  readonly changed: readonly Item[];
  readonly gone: readonly string[];
}
/** A step that was, or is being, taken from an earlier run. */
interface Taken {
  readonly id: string;
  readonly run: string;
  readonly from: string;
  /** Its outputs were in the workspace. */
  readonly whole: boolean;
}
type Line = Kept | Taken;

export interface CacheParts {
  readonly book: Pick<RunBook, 'all' | 'get' | 'dir'>;
  readonly hashes: Hashes;
  readonly workspace: (run: RunRecord) => string;
  /** A directory on the workspaces' file system. */
  readonly incoming: string;
  /** How many bytes the run's owner may still add. */
  readonly room: (run: RunRecord) => Promise<number>;
  readonly changed: (run: RunRecord) => void;
  /** Writes to the edge's own log. */
  readonly say: (line: string) => void;
}

/** How many runs are looked through, the newest first. */
const mostRuns = 200;
/** A step that changes more is not worth the memory. */
const mostChanges = 20_000;

/**
 * Steps of a person's earlier runs, whose outputs a run takes in the place of running the same step. Nothing is kept twice: the
 * outputs are those in the earlier run's workspace, as long as they still have the content that the step gave them.
 */
export class Cache {
  constructor(private readonly parts: CacheParts) {}

  of(run: RunRecord): StepCache {
    const say = (error: unknown): void => this.parts.say(`steps of earlier runs are not taken: ${messageOf(error)}`);
    return {
      // a step that can't be taken is run
      take: async (id, request) => {
        const taken = await this.#take(run, id, request).catch(say);
        if (taken && 'from' in taken) return taken;
        return { keep: async () => taken?.keep().catch(say) };
      },
    };
  }

  async #take(run: RunRecord, id: string, request: StepRequest): ReturnType<StepCache['take']> {
    const own = await this.#lines(run);
    const before = own.filter((line): line is Taken => line.id === id && 'from' in line);
    const whole = before.find(line => line.whole);
    if (whole) return { from: this.#nameOf(whole.run) };
    // an edge that was killed may have left a part of it
    for (const { run: other, from } of before) {
      const source = this.parts.book.get(other);
      const kept =
        source && (await this.#lines(source)).find((line): line is Kept => line.id === from && 'key' in line);
      if (source && kept && (await this.#copy(run, id, source, kept))) return { from: fullName(source) };
    }
    const items = await survey(request.workspace, this.parts.hashes);
    const key = await this.#key(request, items);
    for (const source of this.#earlier(run)) {
      const kept = (await this.#lines(source)).find((line): line is Kept => 'key' in line && line.key === key);
      if (kept && (await this.#copy(run, id, source, kept))) return { from: fullName(source) };
    }
    return { keep: () => this.#keep(run, id, key, request.workspace, items) };
  }

  /** The runs of the same person whose files are there, the newest first. */
  #earlier({ id, owner }: RunRecord): RunRecord[] {
    const runs = this.parts.book.all().filter(run => run.owner === owner && run.id !== id && run.status !== 'deleted');
    return runs.slice(-mostRuns).reverse();
  }

  #nameOf(id: string): string {
    const run = this.parts.book.get(id);
    return run ? fullName(run) : 'a run that was deleted';
  }

  /** All that a step sees, but for the path of its workspace and the names of its run. */
  async #key({ image, command, environment, secrets, cvmfs }: StepRequest, items: readonly Item[]): Promise<string> {
    const variables = Object.entries(environment).filter(([name]) => name !== 'REANA_WORKSPACE');
    const hidden = secrets === undefined ? [] : await survey(secrets, this.parts.hashes);
    const files = [items, hidden].map(list =>
      list.map(({ path, kind, sha256, mode }) => [path, kind, sha256, kind === 'f' ? mode & 0o111 : 0]),
    );
    const all = [image, command, variables.sort(([a], [b]) => (a < b ? -1 : 1)), cvmfs ?? [], files];
    return createHash('sha256').update(JSON.stringify(all)).digest('hex');
  }

  async #keep(run: RunRecord, id: string, key: string, workspace: string, before: readonly Item[]): Promise<void> {
    const after = await survey(workspace, this.parts.hashes);
    const changed = after.filter(item => !isSame(itemIn(before, item.path), item));
    const gone = before.flatMap(({ path }) => (itemIn(after, path) === undefined ? [path] : []));
    // a directory in the place of a file, or the other way round: such steps run each time
    const isOdd = changed.some(item => (itemIn(before, item.path)?.kind ?? item.kind) !== item.kind);
    if (isOdd || changed.length + gone.length > mostChanges) return;
    await this.#write(run, { id, key, changed, gone });
  }

  /**
   * Copies what a step changed. Nothing is touched before all of it is here, with the content that it had.
   * @returns whether it still was
   */
  async #copy(run: RunRecord, id: string, source: RunRecord, kept: Kept): Promise<boolean> {
    const { incoming, workspace, room, changed } = this.parts;
    const [from, to] = [workspace(source), workspace(run)];
    const files = kept.changed.filter(({ kind }) => kind === 'f');
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > Math.min(await room(run).catch(() => 0), (await spaceAt(incoming)).bytes)) return false;
    const staged = join(incoming, randomUUID());
    try {
      await mkdir(staged, { mode: 0o700 });
      const targets = new Map<string, Buffer>();
      for (const [n, item] of kept.changed.entries()) {
        if (item.kind === 'f' && !(await copied(from, item, join(staged, String(n))))) return false;
        if (item.kind !== 'l') continue;
        const target = await linkAt(from, item.path);
        if (target === undefined || sha256(target) !== item.sha256) return false;
        targets.set(item.path, target);
      }
      await this.#write(run, { id, run: source.id, from: kept.id, whole: false });
      await put(to, kept, targets, staged);
      await this.#write(run, { id, run: source.id, from: kept.id, whole: true });
      // the earlier run may be deleted before the next one asks
      await this.#write(run, { ...kept, id });
      return true;
    } finally {
      changed(run);
      await removeTree(staged);
    }
  }

  async #write({ id }: RunRecord, line: Line): Promise<void> {
    const dir = this.parts.book.dir(id);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // the newline at the beginning also ends a line that a crash has cut short
    await appendFile(join(dir, 'cache.jsonl'), `\n${JSON.stringify(line)}`, { mode: 0o600, flush: true });
  }

  async #lines({ id }: RunRecord): Promise<Line[]> {
    const text = await readFile(join(this.parts.book.dir(id), 'cache.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').flatMap(line => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Line];
      } catch {
        return [];
      }
    });
  }
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const isSame = (a: Item | undefined, b: Item): boolean =>
  a !== undefined && a.kind === b.kind && a.sha256 === b.sha256 && (b.kind !== 'f' || a.mode === b.mode);

/** @returns whether the file is there with the same content */
async function copied(root: string, { path, sha256: wanted }: Item, to: string): Promise<boolean> {
  const digest = createHash('sha256');
  try {
    await at(root, path, async name => {
      const file = await open(name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const content = file.createReadStream({ highWaterMark: 1 << 20 });
      await pipeline(content, hashing(digest), createWriteStream(to, { flags: 'wx', mode: 0o600 }));
    });
  } catch {
    return false;
  }
  return digest.digest('hex') === wanted;
}

const hashing = (digest: ReturnType<typeof createHash>) =>
  async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      digest.update(chunk);
      yield chunk;
    }
  };

const linkAt = (root: string, path: string): Promise<Buffer | undefined> =>
  at(root, path, name => readlink(name, 'buffer')).catch(() => undefined);

/** Calls a function with a path that leads through no link. */
function at<T>(root: string, path: string, use: (name: string) => Promise<T>, create = false): Promise<T> {
  const names = namesOf(path);
  const last = names.pop() as string;
  return inside(root, names, directory => use(`${directory}/${last}`), { create });
}

async function put(
  root: string,
  { changed, gone }: Kept,
  targets: ReadonlyMap<string, Buffer>,
  staged: string,
): Promise<void> {
  // what is in a directory comes after it
  for (const path of gone.toReversed()) {
    await at(root, path, name => rm(name, { recursive: true, force: true })).catch(() => {});
  }
  for (const [n, { path, kind, mode }] of changed.entries()) {
    if (kind === 'd') await inside(root, namesOf(path), async () => {}, { create: true });
    const target = targets.get(path);
    await at(
      root,
      path,
      async name => {
        if (target) {
          await rm(name, { force: true });
          await symlink(target, name);
        }
        if (kind !== 'f') return;
        await chmod(join(staged, String(n)), mode);
        await rename(join(staged, String(n)), name);
      },
      true,
    );
  }
}
