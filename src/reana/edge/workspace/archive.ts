import type { Stats } from 'node:fs';
import type { Readable } from 'node:stream';
import yazl from 'yazl';
import { plainly } from '../../../errors.js';
import { WorkspaceError } from './errors.js';
import type { Entry } from './inside.js';
import { openFile } from './read.js';

/**
 * A zip archive of a workspace's files; each file is read when it is written to the archive. Links and special files are
 * left out. If a file vanishes meanwhile, the archive is broken off, because an incomplete archive must not look
 * complete.
 * @throws WorkspaceError for a name that a zip archive can't contain
 */
export function archive(root: string, entries: readonly Entry[]): Readable {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as Readable;
  let file: Readable | undefined;
  zip.on('error', error => output.destroy(error));
  output.once('close', () => file?.destroy());
  const open = async ({ path, stats }: Entry): Promise<Readable> => {
    file = (await openFile(root, path)).createReadStream(extent(stats));
    file.once('error', error => output.destroy(error));
    if (output.destroyed) file.destroy();
    return file;
  };
  for (const entry of entries.filter(({ stats }) => stats.isFile())) {
    try {
      add(zip, entry, open);
    } catch (error) {
      throw new WorkspaceError(`'${entry.path}' can't be put into a zip archive: ${plainly(error)}`);
    }
  }
  zip.end();
  return output;
}

/** Fast rather than small, because physics data is usually compressed already. */
const compressionLevel = 1;

function add(zip: yazl.ZipFile, entry: Entry, open: (entry: Entry) => Promise<Readable>): void {
  const { mtime, mode, size } = entry.stats;
  if (size === 0) {
    zip.addBuffer(Buffer.alloc(0), entry.path, { mtime, mode, compressionLevel: 0 });
    return;
  }
  zip.addReadStreamLazy(entry.path, { mtime, mode, size, compressionLevel }, callback => {
    open(entry).then(
      stream => callback(undefined, stream),
      error => callback(error, undefined as never),
    );
  });
}

/** A file that grows is sent only up to the size that was announced. */
export const extent = ({ size }: Stats): { start: number; end: number; highWaterMark: number } => ({
  ...{ start: 0, end: size - 1 },
  highWaterMark: 1 << 20,
});
