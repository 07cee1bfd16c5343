import { open, readFile, writeFile } from 'node:fs/promises';

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

  /** The last lines of all its output. */
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
