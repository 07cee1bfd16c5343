import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import ssh2, { type AuthContext } from 'ssh2';
import type { Sshd } from './sshd.js';

/** Stands in for servers whose questions no sshd here asks. It runs no commands, so logging in is all it shows. */
export interface Double {
  /** The methods that were tried, in order. */
  readonly seen: string[];
  /** What it answers to each. */
  policy: (context: AuthContext) => void;
  close(): void;
}

/** Starts one in the place of `server`: `box` leads to it, and its host key is known. */
export async function startDouble(server: Sshd, banner?: string): Promise<Double> {
  const hostKeys = [readFileSync(server.hostKeyFile)];
  const double: Double = { seen: [], policy: () => {}, close: () => listener.close() };
  const listener = new ssh2.Server({ hostKeys, ...(banner === undefined ? {} : { banner }) }, client => {
    client.on('error', () => {});
    client.on('authentication', context => {
      double.seen.push(context.method);
      double.policy(context);
    });
  });
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const key = readFileSync(`${server.hostKeyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(path.join(server.home, '.ssh', 'known_hosts'), `[127.0.0.1]:${port} ${key}\n`);
  writeFileSync(server.configFile, `Host box\n HostName 127.0.0.1\n Port ${port}\n User alice\n`);
  return double;
}
