import { type FSWatcher, watch } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { discardLeft, namesLeft, openLeft } from './left.js';
import { downDir, jobDir } from './places.js';
import type { Wire, WireEvents } from './wire.js';

/** Batches that the node has not fetched yet; more wait. */
const MOST_WAITING = 8;
/** Largest batch that a node may send, in bytes; what the program at its end sends is much smaller. */
const MOST_BYTES = 4 * 2 ** 20;
/** The job's directory is watched; this is for file systems that tell nothing. Milliseconds. */
const LOOK_MS = 500;

/** `up.TAG.NUMBER.READ`: a batch of the node. The tag is another one each time the job is started. */
const upName = /^up\.([0-9a-f]{8})\.(\d{1,12})\.(\d{1,12})$/;

/**
 * A wire whose batches are files, each of which gets its name when it is complete. The node (templates/session/channel.sh)
 * writes its own into its job's directory, by HTCondor's way for files, and their names say how many of ours it has read. It
 * asks for ours, which are in a directory beside. All that a restarted edge must know is in the names.
 */
export class FileWire implements Wire {
  #tag: string | undefined;
  /** The number of our last batch, and how many of them the node has read. */
  #sent = 0;
  #read = 0;
  /** The lowest number of ours whose file may still be there. */
  #kept = 1;
  /** The number of the node's next batch; undefined: the lowest there is. */
  #next: number | undefined;
  #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #again = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];
  readonly #known: Promise<void>;

  /** @param dir of all steps @param id the session's */
  constructor(
    private readonly dir: string,
    private readonly id: string,
    private readonly events: WireEvents,
  ) {
    this.#known = this.#remember();
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#look();
  }

  async send(batch: Buffer): Promise<void> {
    await this.#known;
    const tag = this.#tag;
    if (tag === undefined) throw new Error('nobody is at the other end yet');
    while (this.#sent - this.#read >= MOST_WAITING && !this.#isClosed && this.#tag === tag)
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    if (this.#isClosed || this.#tag !== tag) throw new Error('the other end is gone');
    const file = join(downDir(this.dir, this.id), `${tag}.${++this.#sent}`);
    await writeFile(`${file}.part`, batch, { mode: 0o600, flag: 'wx' });
    await rename(`${file}.part`, file);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#wake();
  }

  /** An earlier edge may have spoken to this node: its last batch is still there. */
  async #remember(): Promise<void> {
    const down = downDir(this.dir, this.id);
    const names = await readdir(down).catch(() => []);
    const found: number[] = [];
    for (const name of names) {
      const [tag = '', number = '', part] = name.split('.');
      if (part === undefined) {
        this.#tag = tag;
        found.push(Number(number));
      } else {
        // the node waits for the batch of this number, and gets another one
        await rm(join(down, name), { force: true });
      }
    }
    if (found.length === 0) return;
    this.#sent = Math.max(...found);
    this.#kept = Math.min(...found);
    // The node may have read all of them, and has said so to the earlier edge: it would not say it again, and what is sent now
    // would wait for ever.
    this.#read = this.#sent;
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  #look(): void {
    if (this.#isClosed) return;
    this.#watch();
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#known
      .then(() => this.#takeAll())
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.#look();
      });
  }

  #watch(): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(jobDir(this.dir, this.id), () => this.#look());
      this.#watcher.on('error', () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      // the job was not submitted yet
    }
  }

  async #takeAll(): Promise<void> {
    const there = (await namesLeft(this.dir, this.id)).flatMap(name => {
      const [, tag, number, read] = upName.exec(name) ?? [];
      return tag === undefined ? [] : [{ name, tag, number: Number(number), read: Number(read) }];
    });
    const first = there.find(({ tag, number }) => tag !== this.#tag && number === 1);
    if (first) await this.#begin(first.tag);
    for (const file of there.sort((a, b) => a.number - b.number)) {
      const isNext = file.tag === this.#tag && (this.#next === undefined || file.number === this.#next);
      const batch = isNext ? await this.#content(file.name) : undefined;
      if (batch === undefined && isNext) continue;
      await discardLeft(this.dir, this.id, file.name);
      if (batch === undefined || this.#isClosed) continue;
      this.#next = file.number + 1;
      await this.#forget(file.read);
      this.events.onBatch(batch);
    }
  }

  async #begin(tag: string): Promise<void> {
    this.#tag = tag;
    this.#sent = 0;
    this.#read = 0;
    this.#kept = 1;
    this.#next = 1;
    // the directory itself stays: the fence of the job's shadow has a mount on it
    const down = downDir(this.dir, this.id);
    for (const name of await readdir(down)) await rm(join(down, name), { force: true });
    this.#wake();
    this.events.onBegin();
  }

  /** Removes what the node has read, but for the last one, by which a later edge goes on. */
  async #forget(read: number): Promise<void> {
    const upTo = Math.min(read, this.#sent);
    for (; this.#kept < upTo; this.#kept++)
      await rm(join(downDir(this.dir, this.id), `${this.#tag}.${this.#kept}`), { force: true });
    if (upTo <= this.#read) return;
    this.#read = upTo;
    this.#wake();
  }

  async #content(name: string): Promise<Buffer | undefined> {
    const file = await openLeft(this.dir, this.id, name);
    if (!file) return undefined;
    try {
      const { size } = await file.stat();
      if (size > MOST_BYTES) throw new Error('the session sent too much at once');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
