import { open, readFile, writeFile } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

/** Follows what an engine prints, also over the death of the edge: what was told once is not told again. */
export class Output {
  #offset: number | undefined;

  constructor(
    readonly file: string,
    private readonly tell: (text: string) => void,
  ) {}

  /** Tells the whole lines that have come since. */
  async follow(): Promise<void> {
    this.#offset ??= Number(await readFile(`${this.file}.told`, 'utf8').catch(() => '0')) || 0;
    const text = await this.#from(this.#offset);
    const lines = text.slice(0, text.lastIndexOf('\n') + 1);
    if (lines === '') return;
    this.tell(lines);
    this.#offset += Buffer.byteLength(lines);
    await writeFile(`${this.file}.told`, String(this.#offset), { mode: 0o600 });
  }

  /** The last lines of all it has printed. */
  async end(lines = 5): Promise<string> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    return text.trim().split('\n').slice(-lines).join('\n');
  }

  async #from(offset: number): Promise<string> {
    const file = await open(this.file, 'r').catch(() => undefined);
    if (!file) return '';
    try {
      const buffer = Buffer.alloc(2 ** 16);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      // a character that is cut waits for its rest
      const text = new StringDecoder('utf8').write(buffer.subarray(0, bytesRead));
      // a line longer than that is told in pieces
      return bytesRead === buffer.length && !text.includes('\n') ? `${text}\n`.slice(0, -1) : text;
    } finally {
      await file.close();
    }
  }
}
