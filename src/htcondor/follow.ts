import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type LoggedEvent, takeEvents } from './userlog.js';

/** A notice of the file system may be lost, on a network's file system above all. */
const POLL_MS = 1000;
const CHUNK = 1 << 20;
/** Of one event; what is longer is none, and is passed over. */
const LONGEST = 4 * CHUNK;

/** Follows an event log as it grows; each event is told once, in order. */
export class LogFollower {
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;

  private constructor(
    private readonly file: FileHandle,
    private offset: number,
    private readonly tell: (events: readonly LoggedEvent[]) => void,
  ) {}

  /**
   * Opens a log, making it where there is none, and tells what is in it from `offset` on before it resolves.
   * @param offset bytes; a log that has become shorter is read from its start
   */
  static async open(
    path: string,
    offset: number,
    tell: (events: readonly LoggedEvent[]) => void,
  ): Promise<LogFollower> {
    const file = await open(path, 'a+', 0o600);
    const isShorter = (await file.stat()).size < offset;
    const follower = new LogFollower(file, isShorter ? 0 : offset, tell);
    await follower.catchUp();
    follower.#watcher = watch(path, () => void follower.catchUp());
    follower.#watcher.on('error', () => {}); // the poll goes on
    follower.#timer = setInterval(() => void follower.catchUp(), POLL_MS);
    follower.#timer.unref();
    return follower;
  }

  /** Resolves when all is told that was in the log when it was called. */
  async catchUp(): Promise<void> {
    if (this.#closed) return;
    this.#again = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
    await this.#reading;
    await this.file.close();
  }

  async #read(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      let size = CHUNK;
      for (;;) {
        const { buffer, bytesRead } = await this.file.read(Buffer.alloc(size), 0, size, this.offset);
        const { events, rest } = takeEvents(buffer.subarray(0, bytesRead), this.offset);
        const isStuck = rest === this.offset && bytesRead === size;
        this.offset = isStuck && size >= LONGEST ? this.offset + bytesRead : rest;
        if (events.length > 0 && !this.#closed) this.tell(events);
        if (bytesRead < size) break;
        size = isStuck && size < LONGEST ? size * 2 : CHUNK; // an event larger than a chunk
      }
    }
  }
}
