import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type LoggedEvent, takeEvents } from './userlog.js';

/** A file-system notification may be lost, above all on a network file system, so the file is also polled. */
const POLL_MS = 1000;
const CHUNK = 1 << 20;
/** Longest event; anything longer is not an event, and is skipped. */
const LONGEST = 4 * CHUNK;

/** Follows an event log as it grows; each event is reported once, in order. */
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
   * Opens a log (and makes it, if it does not exist), and reports the events from `offset` on before it resolves.
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
    follower.#watcher.on('error', () => {}); // polling continues
    follower.#timer = setInterval(() => void follower.catchUp(), POLL_MS);
    follower.#timer.unref();
    return follower;
  }

  /** Resolves when everything that was in the log at the time of the call is reported. */
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
        size = isStuck && size < LONGEST ? size * 2 : CHUNK; // for an event larger than a chunk
      }
    }
  }
}
