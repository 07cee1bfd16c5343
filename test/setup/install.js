import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packages } from './packages.js';
import { mustRun, output, top } from './programs.js';
import { mustRunQuietly, runQuietly } from './quiet.js';

/** Brings node_modules up to package-lock.json. */
export async function installModules() {
  const lock = statSync(join(top, 'package-lock.json')).mtimeMs;
  // npm writes this one last
  const mark = join(top, 'node_modules', '.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= lock) return;
  const quiet = ['--no-audit', '--no-fund'];
  const ci = 'npm ci: node_modules is missing or older than package-lock.json';
  const { status } = await runQuietly(ci, 'npm', ['ci', ...quiet]);
  if (status === 0) return;
  // A lock file made from a registry that lacks other systems' builds of a package is refused by `npm ci`, for
  // want of what this system would not install anyway. `npm install` takes the lock's versions and its checksums.
  const install = 'npm install: npm ci refused the lock file';
  await mustRunQuietly(install, 'npm', ['install', '--no-save', ...quiet]);
  await mustRun('touch', [mark]);
}

/**
 * Installs those Debian packages that the verb needs and this machine lacks, when this is Debian and we are root.
 * @param {string} verb of run.js
 */
export async function installPackages(verb) {
  const wanted = packages[verb] ?? [];
  if (wanted.length === 0 || process.getuid?.() !== 0 || output('dpkg-query', ['--version']) === undefined) return;
  const missing = wanted.filter(name => !isInstalled(name));
  if (missing.length === 0) return;
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  await mustRunQuietly('apt-get update', 'apt-get', ['update', '-qq'], quiet);
  const install = ['install', '-qq', '-y', '--no-install-recommends', ...missing];
  await mustRunQuietly(`apt-get install ${missing.join(' ')}`, 'apt-get', install, quiet);
}

/** @param {string} name of a Debian package */
function isInstalled(name) {
  return output('dpkg-query', ['--status', name])?.includes('\nStatus: install ok installed\n') ?? false;
}
