import { open, readFile, writeFile } from 'node:fs/promises';

const PIECE = 2 ** 16;

/** Follows what an engine prints, also over the death of the edge: what was told once is not told again. */
export class Output {
  #offset: number | undefined;

  constructor(
    readonly file: string,
    private readonly tell: (text: string) => void,
  ) {}

  /**
   * Tells what has come since, in whole lines; a line that is too long comes in pieces.
   * @param last nothing more will come: what is left of a line is told, too
   */
  async follow(last = false): Promise<void> {
    this.#offset ??= Number(await readFile(`${this.file}.told`, 'utf8').catch(() => '0')) || 0;
    for (;;) {
      const piece = await this.#from(this.#offset);
      const lines = piece.lastIndexOf('\n') + 1;
      const told = lines === 0 && (last || piece.length === PIECE) ? piece.length : lines;
      if (told === 0) return;
      this.tell(piece.toString('utf8', 0, told));
      this.#offset += told;
      await writeFile(`${this.file}.told`, String(this.#offset), { mode: 0o600 });
    }
  }

  /** The last lines of all it has printed. */
  async end(lines = 5): Promise<string> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    return text.trim().split('\n').slice(-lines).join('\n');
  }

  async #from(offset: number): Promise<Buffer> {
    const file = await open(this.file, 'r').catch(() => undefined);
    if (!file) return Buffer.alloc(0);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, PIECE, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
