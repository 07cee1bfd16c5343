import { constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openShared, readShared, writeShared } from './shared.js';

const PIECE = 2 ** 16;

/** Follows the output of a workflow engine, also after a restart of the edge: nothing is reported twice. */
export class Output {
  #offset: number | undefined;

  constructor(
    readonly file: string,
    private readonly tell: (text: string) => void,
  ) {}

  /**
   * Reports new output in whole lines; a line that is too long comes in pieces.
   * @param last nothing more will come: an incomplete line is reported, too
   */
  async follow(last = false): Promise<void> {
    this.#offset ??= offsetIn(await readShared(`${this.file}.told`, 20));
    for (;;) {
      const piece = await this.#from(this.#offset);
      const lines = piece.lastIndexOf('\n') + 1;
      const told = lines === 0 && (last || piece.length === PIECE) ? piece.length : lines;
      if (told === 0) return;
      this.tell(piece.toString('utf8', 0, told));
      this.#offset += told;
      await writeShared(dirname(this.file), `${basename(this.file)}.told`, String(this.#offset));
    }
  }

  /** The last lines of all its output. */
  async end(lines = 5): Promise<string> {
    const piece = await this.#from(undefined);
    return piece.toString().trim().split('\n').slice(-lines).join('\n');
  }

  /** @param offset undefined means the end of the file */
  async #from(offset: number | undefined): Promise<Buffer> {
    const file = await openShared(this.file, constants.O_RDONLY).catch(() => undefined);
    if (!file) return Buffer.alloc(0);
    try {
      const from = offset ?? Math.max(0, (await file.stat()).size - PIECE);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, PIECE, from);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** A workflow's author could write anything there. */
const offsetIn = (text: string | undefined): number => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : 0);
