import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import { hasFields } from '../fields.js';
import { stateDir } from '../paths.js';
import type { SiteProfile } from './schema.js';

/** What `sites check --deep` found out about a site; it counts only where the site's profile says nothing. */
export interface Measured {
  /** Whether its compute nodes can open connections to the outside, without a proxy. */
  readonly outbound: boolean;
  /** The compute node that tried. */
  readonly node: string;
  /** The day, `2026-11-28`. */
  readonly date: string;
}

type Known = Pick<SiteProfile, 'name' | 'login' | 'network'>;

const fileOf = ({ name }: Known): string => join(stateDir(), 'sites', `${name}.json`);
/** Another profile may have the name of this one. */
const hostsOf = ({ login }: Known): readonly string[] => login?.hosts ?? [];

/** Writes down what was found out today. */
export function remember(site: Known, found: Omit<Measured, 'date'>): void {
  const file = fileOf(site);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const date = new Date().toISOString().slice(0, 10);
  writeFileAtomic.sync(file, `${JSON.stringify({ hosts: hostsOf(site), ...found, date })}\n`, { mode: 0o600 });
}

/** @returns undefined if nothing was found out, or the profile says it itself */
export function measuredOf(site: Known): Measured | undefined {
  if (site.network.outbound !== undefined) return undefined;
  try {
    const found: unknown = JSON.parse(readFileSync(fileOf(site), 'utf8'));
    const fields = { hosts: 'array', outbound: 'boolean', node: 'string', date: 'string' } as const;
    if (!hasFields(found, fields)) return undefined;
    const { hosts, outbound, node, date } = found as unknown as Measured & { hosts: readonly string[] };
    return isDeepStrictEqual(hosts, hostsOf(site)) ? { outbound, node, date } : undefined;
  } catch {
    // there is none, or it can't be read
    return undefined;
  }
}

/** The profile with what was found out about the site. */
export function withMeasured(profile: SiteProfile): SiteProfile {
  const found = measuredOf(profile);
  return found ? { ...profile, network: { ...profile.network, outbound: found.outbound } } : profile;
}
