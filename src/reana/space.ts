import { statfs } from 'node:fs/promises';
import { ScailfinError } from '../errors.js';

/** How much must stay free on the headnode's disk, whoever wants to write there: bytes, or less of a small disk. */
const KEPT_BYTES = 2 ** 30;
const KEPT_SHARE = 0.1;

/** How much may still be written to a file system. */
export interface Space {
  readonly bytes: number;
  /** Number of files and directories. */
  readonly files: number;
}

/** @param dir any path on the file system */
export async function spaceAt(dir: string): Promise<Space> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(dir);
  const bytes = bavail * bsize - Math.min(KEPT_BYTES, KEPT_SHARE * blocks * bsize);
  // some file systems do not count their files
  const room = files === 0 ? Number.POSITIVE_INFINITY : ffree - KEPT_SHARE * files;
  return { bytes: Math.max(0, Math.floor(bytes)), files: Math.max(0, Math.floor(room)) };
}

/** Space that is reserved and not used yet: two writers at the same time must not both count on all of it. */
export class Claims {
  #promised = 0;

  constructor(private readonly dir: string) {}

  get left(): Promise<Space> {
    return spaceAt(this.dir).then(({ bytes, files }) => ({ bytes: Math.max(0, bytes - this.#promised), files }));
  }

  /** @returns a function that ends the claim @throws ScailfinError if there is no room */
  async take(bytes: number): Promise<() => void> {
    const { bytes: free } = await spaceAt(this.dir);
    if (bytes > free - this.#promised)
      throw new ScailfinError(`the headnode's disk has no room for it: ${mib(bytes)} MiB`);
    this.#promised += bytes;
    return () => {
      this.#promised -= bytes;
    };
  }
}

const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
