import { randomBytes } from 'node:crypto';
import type { Headnode } from '../component.js';
import type { Kube } from './kube.js';

/** All secrets of an installation of REANA; each is random. */
export interface ReanaSecrets {
  readonly database: string;
  readonly cache: string;
  readonly brokerUser: string;
  readonly broker: string;
  /** Signs sessions, and encrypts the users' tokens in the database: without this key a database can't be read. */
  readonly key: string;
  /** For sign-in services that are not used here; their known defaults must not stay in place. */
  readonly cernKey: string;
  readonly cernSecret: string;
  readonly gitlabId: string;
  readonly gitlabSecret: string;
  /** The administrator's password for REANA's page. */
  readonly admin: string;
}

/** 192 bits each, in hexadecimal, because they are used in URLs, in SQL, and on command lines inside pods. */
export function newSecrets(): ReanaSecrets {
  const made = Object.keys(PLACES).map(name => [name, randomBytes(24).toString('hex')]);
  return Object.fromEntries(made) as ReanaSecrets;
}

/**
 * The secrets of the installation, made at the first call. REANA's database can be read with no others, so if they are
 * recorded only in Kubernetes, they are read from there.
 */
export async function secretsFor(kube: Kube, { host }: Headnode, dir: string): Promise<ReanaSecrets> {
  const file = `${dir}/secrets.json`;
  const out = await host.run(['sh', '-c', '[ ! -e "$1" ] || cat "$1"', 'sh', file]);
  if (out.stdout !== '') return JSON.parse(out.stdout) as ReanaSecrets;
  const secrets = { ...newSecrets(), ...(await inKubernetes(kube)) };
  await host.put([{ path: file, content: `${JSON.stringify(secrets)}\n`, mode: 0o600 }]);
  return secrets;
}

/**
 * Where the chart keeps each secret (0.9.4: templates/secrets.yaml): these objects outlive the release. We put the last
 * one there.
 */
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
