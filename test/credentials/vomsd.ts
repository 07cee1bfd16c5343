import { randomBytes } from 'node:crypto';
import { until } from '../lab/programs.js';
import type { GridHost } from './grid.js';
import { databaseOf, sqlOf, type Vo } from './vo.js';

/** In memory: a database that waits for a disk takes much longer to make. It ends with the host. */
const home = '/run/voms';
const password = `${home}/password`;
const socket = `${home}/database.sock`;
const asRoot = { user: 'root', timeoutMs: 120_000 };

/** Starts a server (vomsd) for each VO, with the host's certificate, and the database that tells them who is a member. */
export async function startVomsd(grid: GridHost, vos: readonly Vo[]): Promise<void> {
  await startDatabase(grid, vos);
  for (const vo of vos) await startServer(grid, vo);
}

/** The paths of all requests that a server was sent. */
export async function requestsToVomsd(grid: GridHost, { port }: Vo): Promise<string[]> {
  const { stdout } = await grid.exec(['cat', `${home}/${port}.log`], asRoot);
  return [...stdout.matchAll(/HTTP request: (\S+?)"/g)].map(([, path]) => path as string);
}

async function startDatabase(grid: GridHost, vos: readonly Vo[]): Promise<void> {
  await grid.exec(['install', '-d', '-m', '700', home, `${home}/database`], asRoot);
  // vomsd takes no other mode; the directory is closed to all but root
  await grid.write(password, `${randomBytes(16).toString('hex')}\n`, 'root', 0o640);
  await grid.exec(['bash', '-c', makeDatabase], { ...asRoot, stdin: vos.map(sqlOf).join('') });
  await grid.exec(['bash', '-c', runDatabase], asRoot);
  await until('the database to be ready', 60_000, async () =>
    (await grid.exec(['cat', `${home}/database.log`], asRoot)).stdout.includes('ready for connections'),
  );
}

const mariadbd = `mariadbd --no-defaults --user=root --datadir=${home}/database --skip-innodb --default-storage-engine=Aria`;

/** What `mariadb-install-db` does, without what only people need; then the tables of its standard input. */
const makeDatabase = `set -euo pipefail
own=/usr/share/mariadb/mariadb_system_tables
{
  printf '%s;\\n' 'CREATE DATABASE mysql' 'USE mysql' 'SET @auth_root_socket="root"'
  cat $own.sql \${own}_data.sql -
  printf '%s;\\n' 'FLUSH PRIVILEGES' "CREATE USER voms@localhost IDENTIFIED BY '$(cat ${password})'"
  printf '%s;\\n' 'GRANT SELECT ON *.* TO voms@localhost'
} | ${mariadbd} --bootstrap --log-warnings=0 >${home}/made.log 2>&1 || { cat ${home}/made.log >&2; exit 1; }`;

const runDatabase = `setsid ${mariadbd} --skip-networking --socket=${socket} </dev/null >${home}/database.log 2>&1 &`;

async function startServer(grid: GridHost, vo: Vo): Promise<void> {
  const { port } = vo;
  const config = [
    ...[`--vo=${vo.vo}`, `--port=${port}`, `--logfile=${home}/${port}.log`, '--loglevel=5'],
    ...['--x509_user_cert=/etc/grid-security/hostcert.pem', '--x509_user_key=/etc/grid-security/hostkey.pem'],
    ...['--sqlloc=/usr/lib/voms/libvomsmysql.so', `--dbname=${databaseOf(vo)}`, `--mysql-socket=${socket}`],
    ...['--username=voms', `--passfile=${password}`, ...(vo.old ? [] : ['--newformat'])],
  ];
  await grid.write(`${home}/${port}.conf`, `${config.join('\n')}\n`, 'root');
  // it says why it did not start, and goes into the background otherwise
  await grid.exec(['sh', '-c', `exec voms --conf ${home}/${port}.conf </dev/null`], asRoot);
  await until(`the VOMS server of ${vo.vo} to listen`, 15_000, async () =>
    (await grid.exec(['ss', '-ltn'])).stdout.includes(`:${port} `),
  );
}
