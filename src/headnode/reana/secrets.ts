import { randomBytes } from 'node:crypto';
import type { Headnode } from '../component.js';
import type { Kube } from './kube.js';

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

/** 192 bits each, in hexadecimal: they stand in URLs, on command lines inside of pods, and in SQL. */
export function newSecrets(): ReanaSecrets {
  const made = Object.keys(PLACES).map(name => [name, randomBytes(24).toString('hex')]);
  return Object.fromEntries(made) as ReanaSecrets;
}

/**
 * The installation's, made at first use. REANA's database can be read with no others, so those that are on record nowhere
 * but in Kubernetes are had from there.
 */
export async function secretsFor(kube: Kube, { host }: Headnode, dir: string): Promise<ReanaSecrets> {
  const file = `${dir}/secrets.json`;
  const out = await host.run(['sh', '-c', '[ ! -e "$1" ] || cat "$1"', 'sh', file]);
  if (out.stdout !== '') return JSON.parse(out.stdout) as ReanaSecrets;
  const secrets = { ...newSecrets(), ...(await inKubernetes(kube)) };
  await host.put([{ path: file, content: `${JSON.stringify(secrets)}\n`, mode: 0o600 }]);
  return secrets;
}

/** Where the chart keeps each (0.9.4: templates/secrets.yaml): it outlives the release. The last one we put there. */
const PLACES: Readonly<Record<keyof ReanaSecrets, readonly [secret: string, key: string]>> = {
  database: ['db-secrets', 'password'],
  cache: ['cache-secrets', 'password'],
  brokerUser: ['message-broker-secrets', 'user'],
  broker: ['message-broker-secrets', 'password'],
  key: ['secrets', 'REANA_SECRET_KEY'],
  cernKey: ['cern-sso-secrets', 'CERN_CONSUMER_KEY'],
  cernSecret: ['cern-sso-secrets', 'CERN_CONSUMER_SECRET'],
  gitlabId: ['cern-gitlab-secrets', 'REANA_GITLAB_OAUTH_APP_ID'],
  gitlabSecret: ['cern-gitlab-secrets', 'REANA_GITLAB_OAUTH_APP_SECRET'],
  admin: ['admin-access-token', 'ADMIN_PASSWORD'],
};

interface Secret {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

async function inKubernetes(kube: Kube): Promise<Partial<ReanaSecrets>> {
  const there = await kube.list<Secret>(['secrets']);
  const found = Object.entries(PLACES).flatMap(([name, [secret, key]]) => {
    const encoded = there.find(one => one.metadata.name === `${kube.release}-${secret}`)?.data?.[key];
    return encoded ? [[name, Buffer.from(encoded, 'base64').toString()]] : [];
  });
  return Object.fromEntries(found) as Partial<ReanaSecrets>;
}
