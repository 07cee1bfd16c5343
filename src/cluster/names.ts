import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';

/** @throws UsageError for a name that can't be used as job name, directory and host label */
export function checkName(name: string): string {
  if (/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name) && name !== 'payload') return name;
  throw new UsageError(`${JSON.stringify(name)} can't be a cluster's name`, {
    hint: 'use 1 to 32 lower-case letters, digits and hyphens, a letter first, such as bsm-search',
  });
}

/**
 * The job name by which every batch job of a cluster is found, even if this machine has no record. At most 15 characters,
 * the shortest limit of all schedulers (Torque, qsub(1B) -N). Long names end in a digest of themselves, and their tags
 * are longer than all tags of short names, so two names never have the same tag.
 */
export function tagOf(name: string): string {
  if (name.length < 12) return `sf-${name}`;
  return `sf-${name.slice(0, 5)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
