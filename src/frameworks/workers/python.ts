import { CommandError, ScailfinError } from '../../errors.js';
import type { Headnode } from '../../headnode/component.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';

/**
 * Makes a Python on the headnode with the packages of a framework's `requirements.txt`, which is in the directory of its workers. Once made,
 * it stays. @param title the framework's @param hasImage workers have the packages in their image, and need none
 * @returns the directory of the Python that it uses @throws ScailfinError with pip's own words
 */
export async function installPython(
  { host, dir }: Headnode,
  name: string,
  title: string,
  hasImage: boolean,
): Promise<string> {
  const script = templateText('headnode/workers/python.sh');
  const args = [dir, name, hasImage ? 'image' : 'nodes'];
  const out = await runScript(host, script, args, { timeoutMs: 600_000 }).catch(error => {
    if (!(error instanceof CommandError) || ![8, 9].includes(error.exitStatus ?? 0)) throw error;
    const hint =
      error.exitStatus === 9
        ? 'install Python 3.10 or newer there (Debian: apt install python3-venv)'
        : 'see that pip works there: it reads ~/.config/pip/pip.conf, for a mirror or a proxy';
    throw new ScailfinError(`${title} could not be installed on ${host.name}: ${error.stderr.trim()}`, {
      cause: error,
      hint,
    });
  });
  return keyValues(out.stdout).get('base')?.[0] ?? '/usr';
}
