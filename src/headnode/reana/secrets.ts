import { randomBytes } from 'node:crypto';
import type { Host } from '../../hosts/host.js';

/** All that an installation of REANA keeps secret, each of them random. */
export interface ReanaSecrets {
  readonly database: string;
  readonly cache: string;
  readonly brokerUser: string;
  readonly broker: string;
  /** Signs sessions, and encrypts the users' tokens in the database: a database outlives no other. */
  readonly key: string;
  /** Of sign-in services that we don't use, whose known defaults must not be left in their place. */
  readonly cernKey: string;
  readonly cernSecret: string;
  readonly gitlabId: string;
  readonly gitlabSecret: string;
  /** The administrator's password for REANA's page. */
  readonly admin: string;
}

const NAMES = [
  ...([
    'database',
    'cache',
    'brokerUser',
    'broker',
    'key',
    'cernKey',
    'cernSecret',
    'gitlabId',
    'gitlabSecret',
  ] as const),
  'admin',
] as const satisfies readonly (keyof ReanaSecrets)[];

/** 192 bits each, in hexadecimal: they stand in URLs, on command lines inside of pods, and in SQL. */
export function newSecrets(): ReanaSecrets {
  return Object.fromEntries(NAMES.map(name => [name, randomBytes(24).toString('hex')])) as unknown as ReanaSecrets;
}

/** Those of the folder, made at first use: the data in REANA's database can be read with no others. */
export async function secretsIn(host: Host, dir: string): Promise<ReanaSecrets> {
  const file = `${dir}/secrets.json`;
  const out = await host.run(['sh', '-c', '[ ! -e "$1" ] || cat "$1"', 'sh', file]);
  if (out.stdout !== '') return { ...newSecrets(), ...(JSON.parse(out.stdout) as Partial<ReanaSecrets>) };
  const made = newSecrets();
  await host.put([{ path: file, content: `${JSON.stringify(made)}\n`, mode: 0o600 }]);
  return made;
}
