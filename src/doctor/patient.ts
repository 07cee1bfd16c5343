import { UsageError } from '../errors.js';
import { parseTarget } from '../hosts/target.js';
import { packageRoot } from '../paths.js';
import { type LoadedSite, loadSite } from '../sites/catalog.js';
import type { SiteProfile } from '../sites/schema.js';
import type { Config } from '../sites/settings.js';
import { trimEndOf } from '../text.js';

/** What is checked: a site with a profile, or a host about which nothing is known yet. */
export interface Patient {
  /** The site's name, or the proposed one. */
  readonly name: string;
  /** The name as it was typed. */
  readonly typed: string;
  /** Absent for a host without a profile. */
  readonly site: LoadedSite | undefined;
  /** Absent: the site is this machine. */
  readonly login: SiteProfile['login'];
  readonly user: string | undefined;
}

/**
 * A site by name or profile, otherwise `[user@]host[:port]`. A single word is a site's name, so a host name of one word
 * must be written with a user.
 * @throws UsageError, ProfileError
 */
export async function patientFor(typed: string, user: string | undefined, config: Config): Promise<Patient> {
  const isHost = typed.includes('@') || typed.startsWith('ssh://');
  if (!isHost) {
    try {
      return ofSite(typed, await loadSite(typed), user, config);
    } catch (error) {
      if (!(error instanceof UsageError) || typed.includes('/')) throw error;
      if (!/[.:]/.test(typed)) {
        const hint = `to list the sites: scailfin sites list; a host without a profile is written user@${typed}`;
        throw new UsageError(error.message, { hint, cause: error });
      }
    }
  }
  const target = parseTarget(typed);
  const { port } = target;
  return {
    ...{ name: nameFor(target.host), typed, site: undefined, user: user ?? target.user },
    login: { hosts: [target.host], ...(port === undefined ? {} : { port }) },
  };
}

function ofSite(typed: string, site: LoadedSite, user: string | undefined, config: Config): Patient {
  const { profile } = site;
  if (profile.status === 'retired') {
    const since = profile.retired === undefined ? '' : ` since ${profile.retired}`;
    throw new UsageError(`${profile.name} (${profile.title}) is retired${since}, so no job can run there`, {
      hint: 'to list the active sites: scailfin sites list',
    });
  }
  const own = config.sites[profile.name];
  return {
    ...{ name: profile.name, typed, site, login: profile.login },
    user: user ?? own?.user ?? profile.login?.user,
  };
}

/** The profile to change. A profile that came with scailfin is changed in a copy, which then takes precedence. */
export function profileFile({ site }: Patient): string {
  if (!site) return 'the profile';
  if (!site.file.startsWith(packageRoot)) return site.file;
  return `a copy of ${site.file} (then: scailfin sites add COPY)`;
}

/** Names of login nodes that say nothing about the site: `login3`, `ssh-gw1`. */
const GATE = /^(login|ssh|head(node)?|gate(way)?|front(-?end)?|fe|ui|submit|access)(-?\w{1,2})?-?\d*$/;

/** A site's name from the name of its login node: `login3.hpc.example.edu` → `hpc`, `login` → `login`. */
export function nameFor(host: string): string {
  const labels = host.toLowerCase().split('.');
  const telling = labels.length > 2 && GATE.test(labels[0] ?? '');
  const label = (telling ? labels[1] : labels[0]) ?? '';
  const plain = label.replaceAll(/[^a-z0-9-]/g, '').replace(/^[^a-z]+/, '');
  const name = trimEndOf(plain, '-').slice(0, 32);
  return name || 'site';
}
