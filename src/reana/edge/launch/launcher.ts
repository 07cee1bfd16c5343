import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { plainly, ScailfinError } from '../../../errors.js';
import { spaceAt } from '../../space.js';
import { readSubmission, type Submission } from '../../submission.js';
import { removeTree } from '../../tree.js';
import { HttpError } from '../http/errors.js';
import { namesOf } from '../workspace/inside.js';
import { type Asking, download } from './download.js';
import { clone } from './git.js';
import { type Limits, usualLimits } from './limits.js';
import { Reach, type Resolve } from './reach.js';
import { type Source, sourceOf, specificationNames } from './source.js';
import { unzip } from './zip.js';

export interface LauncherOptions {
  /** Servers that the owner allows although their addresses or ports are not public: `HOST` or `HOST:PORT`. */
  readonly hosts?: readonly string[] | undefined;
  readonly limits?: Limits | undefined;
  /** A file with the certificates of the authorities to trust, in the place of the usual ones. */
  readonly ca?: string | undefined;
  readonly resolve?: Resolve | undefined;
}

/** What is asked for. */
export interface Wanted {
  readonly url: string;
  /** The path of the specification in a repository or archive. */
  readonly specification?: string | undefined;
}

/** How many may be on their way, in all and of each person: each takes a connection, room on the disk, and time. */
const most = { all: 4, each: 2 };

/** Fetches a specification with its inputs from a URL, onto the headnode. */
export class Launcher {
  readonly #reach: Reach;
  readonly #ca: Asking['ca'];
  readonly #limits: Limits;
  /** Who waits for what is on its way. */
  readonly #busy: string[] = [];

  /** @param dir on the workspaces' file system, for what is on its way */
  constructor(
    private readonly dir: string,
    { hosts, limits = usualLimits, ca, resolve }: LauncherOptions = {},
  ) {
    this.#reach = new Reach(hosts, resolve);
    this.#limits = limits;
    this.#ca = ca === undefined ? undefined : { file: ca, text: readFileSync(ca, 'utf8') };
  }

  /**
   * @param who waits for it @param room how many bytes this person may still add
   * @param use gets what was fetched, which is removed afterwards
   * @throws HttpError 400, 408, 413, 429, 501
   */
  async fetch<T>(
    wanted: Wanted,
    { who, room, left }: { readonly who: string; readonly room: number; readonly left: AbortSignal },
    use: (fetched: { readonly submission: Submission; readonly name: string; readonly url: string }) => Promise<T>,
  ): Promise<T> {
    const url = this.#reach.url(wanted.url);
    const source = sourceOf(url, wanted.specification);
    const work = join(await realpath(this.dir), randomUUID());
    this.#enter(who);
    const late = AbortSignal.timeout(this.#limits.time);
    try {
      await mkdir(work, { recursive: true, mode: 0o700 });
      const { bytes, files } = await spaceAt(work);
      // an archive is beside what it becomes, and that beside the workspace
      const limits = {
        ...{ bytes: Math.min(this.#limits.bytes, room, Math.floor(bytes / 3)), time: this.#limits.time },
        files: Math.min(this.#limits.files, Math.floor(files / 2)),
      };
      const signal = AbortSignal.any([left, late]);
      const asking = { reach: this.#reach, ca: this.#ca, limits, signal };
      const file = await this.#fetch(source, wanted.specification, work, asking);
      const submission = await read(join(work, 'tree'), file);
      return await use({ submission, name: source.name, url: url.href });
    } catch (error) {
      if (late.aborted) throw new HttpError(408, `It was not fetched within ${this.#limits.time / 1000} s.`);
      if (left.aborted) throw new HttpError(400, 'The client has gone.');
      throw error;
    } finally {
      this.#busy.splice(this.#busy.indexOf(who), 1);
      await removeTree(work);
    }
  }

  #enter(who: string): void {
    const own = this.#busy.filter(other => other === who).length;
    if (this.#busy.length >= most.all || own >= most.each) {
      throw new HttpError(429, 'Other workflows are being fetched: try again in a minute.');
    }
    this.#busy.push(who);
  }

  /** @returns the path of the specification in `work/tree` */
  async #fetch(source: Source, specification: string | undefined, work: string, asking: Asking): Promise<string> {
    const tree = join(work, 'tree');
    if (source.kind === 'git') {
      await clone(source.url, source.ref, tree, work, asking);
      return found(tree, specification);
    }
    await mkdir(tree, { mode: 0o700 });
    if (source.kind === 'file') {
      const [name = ''] = namesOf(source.file);
      await download(source.url, join(tree, name), asking);
      return name;
    }
    const archive = join(work, 'archive.zip');
    await download(source.url, archive, asking);
    await unzip(archive, tree, asking.limits, asking.signal);
    return found(tree, specification);
  }
}

/** @throws HttpError 400 if there is none, or if there are two */
async function found(tree: string, specification: string | undefined): Promise<string> {
  if (specification !== undefined) {
    const path = namesOf(specification).join('/');
    const isThere = await stat(join(tree, path)).then(...yesNo);
    if (!isThere) throw new HttpError(400, 'Cannot find the provided workflow specification');
    return path;
  }
  const there: string[] = [];
  for (const name of specificationNames) if (await lstat(join(tree, name)).then(...yesNo)) there.push(name);
  const [only, other] = there;
  if (only === undefined) throw new HttpError(400, 'Workflow specification was not found');
  if (other !== undefined) throw new HttpError(400, 'Multiple workflow specifications found');
  return only;
}

const yesNo = [() => true, () => false] as const;

/** Its inputs are relative to the top, wherever the specification is, as in REANA. */
async function read(tree: string, file: string): Promise<Submission> {
  try {
    return await readSubmission(join(tree, file), {}, tree);
  } catch (error) {
    if (!(error instanceof ScailfinError)) throw error;
    // where it is on the headnode is nobody's business
    throw new HttpError(400, `${plainly(error).replaceAll(`${tree}/`, '').replaceAll(tree, 'what was fetched')}.`);
  }
}
