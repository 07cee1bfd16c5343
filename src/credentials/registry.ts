import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { AuthError, messageOf, UsageError } from '../errors.js';

/** What is read of `~/.docker/config.json` (docs.docker.com, "docker login", "Credential helpers"). */
const schema = z.looseObject({
  auths: z.record(z.string(), z.looseObject({ auth: z.string().optional() })).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/** A credential helper asks a keychain. Milliseconds. */
const HELPER_MS = 30_000;

/** The name by which an image names its registry. @throws UsageError for what is no host */
export function registryName(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?$/.test(host))
    throw new UsageError(`${JSON.stringify(text)} is not a registry`, { hint: 'give its host, such as ghcr.io' });
  return /^(index\.|registry-1\.)?docker\.io$/.test(host) ? 'docker.io' : host;
}

/**
 * The user's login at a registry, as `docker login` or `podman login --authfile` left it on this machine.
 * @returns `user:password`. Secret.
 * @throws AuthError if there is none, or if its helper fails
 */
export async function registryLogin(registry: string, directory = process.env.DOCKER_CONFIG): Promise<string> {
  const file = join(directory ?? join(homedir(), '.docker'), 'config.json');
  const hint = `log in on this machine: docker login ${registry === 'docker.io' ? '' : registry}`.trim();
  const config = await configIn(file, hint);
  const keys = keysOf(registry);
  for (const key of keys) {
    const auth = config.auths?.[key]?.auth;
    if (auth) return checked(Buffer.from(auth, 'base64').toString(), registry, hint);
  }
  for (const key of keys) {
    const helper = config.credHelpers?.[key] ?? (config.auths?.[key] ? config.credsStore : undefined);
    if (helper) return checked(await ask(helper, key, hint), registry, hint);
  }
  throw new AuthError(`${file} has no login at ${registry}`, { hint });
}

/** Docker Hub has a name of its own in that file; some programs write addresses. */
const keysOf = (registry: string): string[] =>
  registry === 'docker.io'
    ? ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io']
    : [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];

async function configIn(file: string, hint: string): Promise<z.output<typeof schema>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new AuthError(`there is no ${file}`, { hint });
    throw new AuthError(`${file} can't be read: ${messageOf(error)}`, { hint });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // an error of the parser would show a part of the file
    throw new AuthError(`${file} is not a configuration of Docker`, { hint });
  }
}

/** @returns `user:password` of a helper, `docker-credential-NAME get` */
function ask(name: string, key: string, hint: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = `docker-credential-${name}`;
    const fail = (): void => reject(new AuthError(`${program} gave no login for ${key}`, { hint }));
    if (!/^[A-Za-z0-9._-]+$/.test(name)) return fail();
    const child = execFile(program, ['get'], { timeout: HELPER_MS }, (error, stdout) => {
      if (error) return fail();
      try {
        const { Username, Secret } = z
          .looseObject({ Username: z.string(), Secret: z.string() })
          .parse(JSON.parse(stdout));
        resolve(`${Username}:${Secret}`);
      } catch {
        fail();
      }
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(key);
  });
}

function checked(login: string, registry: string, hint: string): string {
  const at = login.indexOf(':');
  // a line end would begin another line in the file at the site
  if (at > 0 && at < login.length - 1 && !/[\r\n\0]/.test(login) && !login.startsWith('<token>')) return login;
  throw new AuthError(`the login at ${registry} is not a name and a password`, { hint });
}
