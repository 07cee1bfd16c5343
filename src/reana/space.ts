import { statfs } from 'node:fs/promises';
import { ScailfinError } from '../errors.js';

/** What stays free on the headnode's disk, whoever wants to write there: bytes, or less of a small disk. */
const KEPT_BYTES = 2 ** 30;
const KEPT_SHARE = 0.1;

/** What may be written on a file system before that. */
export interface Space {
  readonly bytes: number;
  /** Files and directories. */
  readonly files: number;
}

/** @param dir anything on it */
export async function spaceAt(dir: string): Promise<Space> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(dir);
  const bytes = bavail * bsize - Math.min(KEPT_BYTES, KEPT_SHARE * blocks * bsize);
  // some file systems don't count their files
  const room = files === 0 ? Number.POSITIVE_INFINITY : ffree - KEPT_SHARE * files;
  return { bytes: Math.max(0, Math.floor(bytes)), files: Math.max(0, Math.floor(room)) };
}

/** Room that was promised and is not used yet: two that write at the same time must not both count on all of it. */
export class Claims {
  #promised = 0;

  constructor(private readonly dir: string) {}

  get left(): Promise<Space> {
    return spaceAt(this.dir).then(({ bytes, files }) => ({ bytes: Math.max(0, bytes - this.#promised), files }));
  }

  /** @returns what ends the claim @throws ScailfinError where there is no room */
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
