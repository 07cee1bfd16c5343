import type { Host } from '../../hosts/host.js';
import type { SchedulerName } from '../../schedulers/registry.js';
import type { HtcondorSource } from '../../sites/schema.js';

/** How many glide-ins of a site there shall be, however few or many jobs wait. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The label of what the headnode submits: of its jobs on record, and of the file with their token on the site. */
export const GROWN = 'grown';

/** A site's login node as the headnode is to reach it. */
export interface SiteLogin {
  /** The name or address that was dialled from the user's machine. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `TYPE BASE64`: the host keys that the user's machine knows it by. */
  readonly hostKeys: readonly string[];
}

/** What a site's BOSCO is to be. */
export interface BoscoPlan {
  readonly site: string;
  /** The login node, as the user reaches it. */
  readonly host: Host;
  /** Absolute, the cluster's on the site. */
  readonly siteDir: string;
  /** Undefined: the headnode is the site's login node. */
  readonly login: SiteLogin | undefined;
  /** One of `boscoSchedulers`. */
  readonly scheduler: SchedulerName;
  /** The job's name. */
  readonly tag: string;
  /** The batch job of one glide-in, as it would be submitted directly. */
  readonly script: string;
  /** Absolute, of the glide-ins' payload on the site: its libraries are blahpd's, too. */
  readonly payload: string;
  readonly bounds: Bounds;
  /** Of one glide-in, seconds. */
  readonly walltime: number;
  /** Of the tokens by which glide-ins come, seconds. */
  readonly tokenLifetime: number;
  /** Of one glide-in, as the site is asked for them: no more may be offered. */
  readonly asked: { readonly cores: number | undefined; readonly memory: number | undefined };
  /** Of one glide-in; undefined where the site's are not known. */
  readonly cores: number | undefined;
  /** MiB. */
  readonly memory: number | undefined;
  /** HTCondor on the headnode. */
  readonly source: HtcondorSource;
  /** The same programs give the same word. */
  readonly programs: string;
  /** All sites that the pool grows at, this one too. */
  readonly sites: readonly string[];
}

/**
 * A site as HTCondor knows it: its batch type, by which it finds the way there. HTCondor's own names of types would be
 * the same for two sites with Slurm.
 */
export const typeOf = (site: string): string => `at_${site.replaceAll('-', '_')}`;

/** Where a site's growth lives on the headnode. @param dir the pool's */
export const growthDir = (dir: string, site: string): string => `${dir}/bosco/${typeOf(site)}`;
