import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UsageError } from '../../errors.js';
import type { ClusterHere } from '../service.js';
import { tokenName } from './spec.js';

/** The file on this machine with the token of a cluster's JupyterLab. Secret. @param folder the cluster's own directory */
export const tokenFile = (folder: string): string => join(folder, tokenName);

/** The token, which is made at the first use. */
export function ownToken(folder: string): string {
  const file = tokenFile(folder);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(file, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  }
  return readFileSync(file, 'utf8').trim();
}

/** @throws UsageError if it is not on this machine */
export function tokenOf({ cluster, folder }: ClusterHere): string {
  if (existsSync(tokenFile(folder))) return readFileSync(tokenFile(folder), 'utf8').trim();
  throw new UsageError(`the token of ${cluster}'s JupyterLab is not on this machine any more`, {
    hint: `to get another one: scailfin up ${cluster}`,
  });
}

/** All that the headnode knows of the token: enough to recognise it, and to prove so. Secret. */
export const markOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** JupyterLab's own origin in a browser. Who knows only a cluster's name can't know it, because cookies do not know ports. */
export const originOf = (token: string): string =>
  `jupyter-${createHash('sha256').update(`origin ${token}`).digest('hex').slice(0, 20)}`;
