import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Door } from '../hosts/gsi/main.js';
import { Grid } from '../hosts/gsi-sshd.js';
import { inLab } from './bundled.js';
import type { FileOptions } from './files.js';
import type { ExecOptions, ExecResult } from './host.js';
import type { Lab } from './lab.js';
import { until } from './programs.js';
import { gsisshTree, openRealDoor, realLog } from './real/gsisshd.js';

export const gsiPort = 2222;
export const gsiSite = 'lab-gsi';

/** A host, to put things on and run things. */
export interface Place {
  write(path: string, content: string | Buffer, options?: FileOptions): Promise<void>;
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
}

const root = { user: 'root' };
const security = '/etc/grid-security';
const door = fileURLToPath(new URL('../hosts/gsi/main.ts', import.meta.url));
const log = '/var/log/gsi-door.log';

/** Detached: it lives as long as its host. */
const start = `test -f /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
setsid "$@" ${security}/door.json </dev/null >${log} 2>&1 &`;

/**
 * Starts the double of gsisshd (test/hosts/gsi/server.ts) on a host, beside its sshd; or the real one from a tree.
 * @param name the host's own, which its certificate is of
 */
export async function openGsiDoor(
  place: Place,
  grid: Grid,
  {
    name,
    address,
    doors = [{ port: gsiPort }],
    tree,
  }: { name: string; address: string; doors?: readonly Door[]; tree?: string | undefined },
): Promise<void> {
  const { certificate, key } = grid.host(name);
  const settings = {
    ...{ address, doors, hostKey: '/etc/ssh/ssh_host_ed25519_key' },
    ...{ certificate: `${security}/hostcert.pem`, key: `${security}/hostkey.pem` },
    ...{ certificates: `${security}/certificates`, gridmap: `${security}/grid-mapfile` },
  };
  await place.write(settings.certificate, certificate, root);
  await place.write(settings.key, key, { ...root, mode: 0o600 });
  await place.write(settings.gridmap, readFileSync(grid.gridmap), root);
  await place.write(`${security}/door.json`, JSON.stringify(settings), root);
  await installCas(place, grid, settings.certificates, root);
  if (tree !== undefined) return openRealDoor(place, tree, security, gsiPort);
  await place.exec(['sh', '-ec', start, 'sh', ...(await inLab(door))], root);
  await until('the GSI door to open', 30_000, async () => (await gsiLog(place)).includes('open:'));
}

/** What the door has said so far: the double, or the real one. */
export async function gsiLog(place: Place): Promise<string> {
  return (await place.exec(['cat', log], { ...root, check: false })).stdout + (await realLog(place));
}

/** Gives a host's own user the grid's certificate and key, and the CAs, where Globus' programs look for them. */
export async function giveCertificate(place: Place, grid: Grid): Promise<void> {
  await place.write('.globus/usercert.pem', readFileSync(grid.user.cert));
  await place.write('.globus/userkey.pem', readFileSync(grid.user.key), { mode: 0o600 });
  await installCas(place, grid, '.globus/certificates');
}

async function installCas(place: Place, grid: Grid, dir: string, options: FileOptions = {}): Promise<void> {
  for (const file of readdirSync(grid.certificates)) {
    await place.write(join(dir, file), readFileSync(join(grid.certificates, file)), options);
  }
}

/** Of a lab's host. */
export const placeIn = (lab: Lab, host: 'laptop' | 'headnode' | 'login'): Place => ({
  write: (path, content, options) => lab.write(host, path, content, options),
  exec: (argv, options) => lab.exec(host, argv, options),
});

/**
 * Makes the lab's site a GSI site, too: a door at login:2222 that lets in scail's certificate as alice, and the profile
 * `lab-gsi` for the headnode and the laptop, which names no account: the door finds it.
 * @param isReal the door is the real gsisshd, if its variable names one; otherwise, and by default, its double
 */
export async function makeGsiSite(lab: Lab, isReal = false): Promise<void> {
  const grid = new Grid('alice');
  const tree = isReal ? gsisshTree() : undefined;
  try {
    await openGsiDoor(placeIn(lab, 'login'), grid, { name: 'login', address: '0.0.0.0', tree });
    const profile = lab.site.profile
      .replace(/^name: .*/m, `name: ${gsiSite}`)
      .replace(
        /^login:\n(?: .*\n)+/m,
        `login:\n  hosts: [login]\n  port: ${gsiPort}\n  auth: [gssapi-gsi]\n  delegate: true\n`,
      );
    for (const host of ['headnode', 'laptop'] as const) {
      await giveCertificate(placeIn(lab, host), grid);
      await lab.write(host, `.config/scailfin/sites/${gsiSite}.yaml`, profile);
    }
  } finally {
    grid.remove();
  }
}
