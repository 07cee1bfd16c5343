import { mkdir, realpath } from 'node:fs/promises';
import { isAbsolute, normalize, relative, resolve } from 'node:path';
import { messageOf, UsageError } from '../errors.js';
import { Folder } from '../folder.js';

/**
 * The directory that `--out` names; it is made if it does not exist. Inside the current directory, which may hold files
 * made by others, it must not be a link that leads elsewhere. Any other path is the user's own choice.
 * @throws UsageError
 */
export async function outputFolder(out: string): Promise<Folder> {
  const isBelow = !isAbsolute(out) && normalize(out).split('/')[0] !== '..';
  try {
    if (!isBelow) {
      await mkdir(out, { recursive: true });
      return await Folder.at(out);
    }
    const here = await Folder.at('.');
    const real = await here.real(normalize(out));
    if (real === undefined) await here.makeDirectory(normalize(out).split('/'));
    return await Folder.at(real ?? out);
  } catch (error) {
    const target = await realpath(resolve(out)).catch(() => undefined);
    const elsewhere = target !== undefined && relative(process.cwd(), target).startsWith('..');
    throw new UsageError(`nothing can be written to ${out}: ${messageOf(error)}`, {
      hint: elsewhere ? `if that is where they shall go, name it: --out ${target}` : 'choose another: --out DIRECTORY',
    });
  }
}
