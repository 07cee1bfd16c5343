import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, output, run, top } from './programs.js';
import { say } from './say.js';

/** Debian packages that the tests and the lab use on this machine; pip compiles a part of reana-client. */
const packages = [
  'ca-certificates',
  'chromium',
  'curl',
  'debian-archive-keyring',
  'fish',
  'gcc',
  'iproute2',
  'libc6-dev',
  'mmdebstrap',
  'nftables',
  'openssh-client',
  'openssh-server',
  'openssl',
  'patchelf',
  'procps',
  'python3',
  'python3-dev',
  'python3-pip',
  'python3-venv',
  'shellcheck',
  'tcsh',
  'uidmap',
  'util-linux',
  'wget',
  'zsh',
  'zstd',
];

/** Brings node_modules up to package-lock.json. */
export async function installModules() {
  const lock = statSync(join(top, 'package-lock.json')).mtimeMs;
  // npm writes this one last
  const mark = join(top, 'node_modules', '.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= lock) return;
  say('npm ci: node_modules is missing or older than package-lock.json');
  const quiet = ['--no-audit', '--no-fund'];
  if ((await run('npm', ['ci', ...quiet])) === 0) return;
  // A lock file made from a registry that lacks other systems' builds of a package is refused by `npm ci`, for
  // want of what this system would not install anyway. `npm install` takes the lock's versions and its checksums.
  say('npm install: npm ci refused the lock file');
  await mustRun('npm', ['install', '--no-save', ...quiet]);
  await mustRun('touch', [mark]);
}

/** Installs what is missing of the Debian packages, when this is Debian and we are root. */
export async function installPackages() {
  if (process.getuid?.() !== 0 || output('dpkg-query', ['--version']) === undefined) return;
  const missing = packages.filter(name => !isInstalled(name));
  if (missing.length === 0) return;
  say(`apt-get install ${missing.join(' ')}`);
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  await mustRun('apt-get', ['update', '-qq'], quiet);
  await mustRun('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...missing], quiet);
}

/** @param {string} name of a Debian package */
function isInstalled(name) {
  return output('dpkg-query', ['--status', name])?.includes('\nStatus: install ok installed\n') ?? false;
}
