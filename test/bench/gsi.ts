import { GridHost } from '../credentials/grid.js';
import { Grid } from '../hosts/gsi-sshd.js';
import { writeFile } from '../lab/files.js';
import { giveCertificate, gsiPort, openGsiDoor, type Place } from '../lab/gsi.js';
import { built } from './built.js';
import { median, ms, ratio, type Times, table } from './report.js';

const mechanisms = 'globus-gsi-micv2 1.3.6.1.4.1.3536.1.1.1 /usr/lib/x86_64-linux-gnu/libglobus_gssapi_gsi.so.4\n';
/** In one process, where Node.js and all modules are there already. */
const inOne = 5;

const stock = (delegate: boolean): string[] => [
  ...['ssh', '-F', 'none', '-p', `${gsiPort}`, '-o', 'BatchMode=yes', '-o', 'PreferredAuthentications=gssapi-with-mic'],
  ...['-o', 'GSSAPIAuthentication=yes', '-o', `GSSAPIDelegateCredentials=${delegate ? 'yes' : 'no'}`],
  ...['alice@grid', 'true'],
];
const reference = 'ssh with Globus, a process';

export interface GsiLogins {
  /** Without and with delegation; a login and `true` over it. */
  readonly plain: { readonly [what: string]: Times };
  readonly delegating: { readonly [what: string]: Times };
}

/** Logins by proxy to the double of gsisshd, on one host: stock OpenSSH with Globus' library, and scailfin, in turn. */
export async function measureGsi(rounds: number): Promise<GsiLogins> {
  const grid = new Grid('alice');
  const there = await GridHost.up();
  try {
    const login = ['node', `/opt/scailfin/${await built('gsi-login')}`];
    const { host } = there;
    const place: Place = {
      write: (path, content, options) => writeFile(host, path, content, options),
      exec: (argv, options) => host.exec(argv, options),
    };
    await place.write('/etc/hosts', '127.0.0.1 localhost grid\n', { user: 'root' });
    await openGsiDoor(place, grid, { name: 'grid', address: '127.0.0.1' });
    await giveCertificate(place, grid);
    await place.write('mech', mechanisms);
    const known = `echo "grid,[grid]:${gsiPort} $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >.ssh/known_hosts`;
    await place.exec(['sh', '-c', `mkdir -p .ssh; ${known}`]);
    await place.exec(['grid-proxy-init', '-q']);
    const times = (delegate: boolean) => race({ place, login, delegate }, rounds);
    return { plain: await times(false), delegating: await times(true) };
  } finally {
    await there.down();
    grid.remove();
  }
}

interface Racer {
  readonly place: Place;
  /** Runs gsi-login.mjs there. */
  readonly login: readonly string[];
  readonly delegate: boolean;
}

async function race({ place, login, delegate }: Racer, rounds: number): Promise<{ [what: string]: Times }> {
  const env = { GSS_MECH_CONFIG: '/home/scail/mech' };
  const one: number[] = [];
  const ours: number[] = [];
  const next: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const theirs = await timed(() => place.exec(stock(delegate), { env }));
    const own = await timed(() => place.exec([...login, '1', `${delegate}`]));
    const { stdout } = await place.exec([...login, `${1 + inOne}`, `${delegate}`]);
    // the first round only fills the machine's caches
    if (round < 0) continue;
    one.push(theirs);
    ours.push(own);
    next.push(...(JSON.parse(stdout) as number[]).slice(1));
  }
  return { [reference]: one, 'scailfin, a process': ours, 'scailfin, the next login of one': next };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export function describeGsi({ plain, delegating }: GsiLogins): string {
  const rows = Object.keys(plain).map(what => {
    const cells = [plain, delegating].flatMap(each => {
      const time = median(each[what] as Times);
      return [ms(time), ratio(time, median(each[reference] as Times))];
    });
    return [what, ...cells];
  });
  return [
    `Logins by proxy, each with one command (median of ${plain[reference]?.length})`,
    table([['', 'login', '', 'delegating', ''], ...rows]),
    '  to the same server on the same host: the double of gsisshd, whose own share is in all times',
  ].join('\n');
}
