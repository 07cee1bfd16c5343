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

/** What a script that installs packages needs, beside its arguments. */
interface Installing extends Pick<Packages, 'title' | 'least'> {
  /** The script, in `templates`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** How much room it takes, in words, if that is much: `3 GB`. */
  readonly room?: string;
}

/**
 * Runs a script that installs packages from PyPI on the headnode. It exits with 9 if there is no Python that is new enough, and with 8 if
 * pip fails. @returns the directory of the Python that they use, and its version: `3.13` @throws ScailfinError with the script's own words
 */
export async function runInstaller(
  { host, onProgress }: Headnode,
  { title, least, script, args, timeoutMs, room }: Installing,
): Promise<{ readonly base: string; readonly version: string }> {
  onProgress('installing it from PyPI');
  const out = await runScript(host, templateText(script), [...args], { timeoutMs }).catch(error => {
    if (!(error instanceof CommandError) || ![8, 9].includes(error.exitStatus ?? 0)) throw error;
    const enough = room === undefined ? '' : `, and that there are ${room} of room`;
    const hint =
      error.exitStatus === 9
        ? `install Python 3.${least} or newer there (Debian: apt install python3-venv)`
        : `see that pip works there${enough}: it reads ~/.config/pip/pip.conf, for a mirror or a proxy`;
    throw new ScailfinError(`${title} could not be installed on ${host.name}: ${error.stderr.trim()}`, {
      cause: error,
      hint,
    });
  });
  const values = keyValues(out.stdout);
  return { base: values.get('base')?.[0] ?? '/usr', version: values.get('version')?.[0] ?? '3' };
}

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
  const file = requirementsFile(packages);
  await at.host.put([{ ...file, path: `${at.dir}/${file.path}` }]);
  const { name, title, least } = packages;
  return runInstaller(at, {
    ...{ title, least, script: 'headnode/workers/install.sh', timeoutMs: 600_000 },
    args: [at.dir, name, String(least), use],
  });
}
