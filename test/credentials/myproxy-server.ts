import { until } from '../lab/programs.js';
import type { GridHost } from './grid.js';

const config = `accepted_credentials "*"
authorized_retrievers "*"
default_retrievers "*"
authorized_renewers "*"
default_renewers "none"
authorized_key_retrievers "none"
`;

/** Starts MyProxy's own server, with the host's certificate, on port 7512; what it keeps is in /srv/myproxy. */
export async function startMyProxy(grid: GridHost): Promise<void> {
  await grid.write('/etc/myproxy-server.config', config, 'root');
  // the store must be root's, and Debian's own is not; with a socket as its input it would take itself for inetd's
  const start =
    'install -d -m 700 /srv/myproxy && myproxy-server -P /run/myproxy.pid -s /srv/myproxy </dev/null >/run/log 2>&1';
  await grid.exec(['sh', '-c', start], { user: 'root' });
  await until('the MyProxy server to listen', 15_000, async () =>
    (await grid.exec(['ss', '-ltn'])).stdout.includes(':7512'),
  );
}
