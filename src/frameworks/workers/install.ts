import { CommandError, ScailfinError } from '../../errors.js';
import type { Headnode } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';

/** Python packages that a framework needs on the headnode, and that its workers get. */
export interface Packages {
  /** The framework's name, and its name for people. */
  readonly name: string;
  readonly title: string;
  /** The oldest Python that they are for: 3.`least`. */
  readonly least: number;
  /** A file of requirements in `templates`, with hashes. */
  readonly requirements: string;
}

/** The list of them; its path is below the pool's directory. */
export const requirementsFile = ({ name, requirements }: Packages): FileToPut => ({
  ...{ path: `workers/${name}/requirements.txt`, content: templateText(requirements), mode: 0o600 },
});

/**
 * Installs them on the headnode from PyPI, if they are not there.
 * @param use what workers get: the packages, `all` with what belongs in `share` and `etc`, or nothing because their image has them
 * @returns the directory of the Python that they use, and its version: `3.13`
 * @throws ScailfinError with pip's own words
 */
export async function installPackages(
  at: Headnode,
  packages: Packages,
  use: 'nodes' | 'all' | 'image',
): Promise<{ readonly base: string; readonly version: string }> {
  const { host, dir, onProgress } = at;
  const { name, title, least } = packages;
  const file = requirementsFile(packages);
  await host.put([{ ...file, path: `${dir}/${file.path}` }]);
  onProgress('installing it from PyPI');
  const script = templateText('headnode/workers/install.sh');
  const out = await runScript(host, script, [dir, name, String(least), use], { timeoutMs: 600_000 }).catch(error => {
    if (!(error instanceof CommandError) || ![8, 9].includes(error.exitStatus ?? 0)) throw error;
    const hint =
      error.exitStatus === 9
        ? `install Python 3.${least} or newer there (Debian: apt install python3-venv)`
        : 'see that pip works there: it reads ~/.config/pip/pip.conf, for a mirror or a proxy';
    throw new ScailfinError(`${title} could not be installed on ${host.name}: ${error.stderr.trim()}`, {
      cause: error,
      hint,
    });
  });
  const values = keyValues(out.stdout);
  return { base: values.get('base')?.[0] ?? '/usr', version: values.get('version')?.[0] ?? '3' };
}
