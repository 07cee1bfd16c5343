import type { Host } from '../../hosts/host.js';
import type { JobQuery } from '../../schedulers/job.js';
import type { SchedulerName } from '../../schedulers/registry.js';
import type { HtcondorSource } from '../../sites/values.js';

/** Smallest and largest number of glide-ins at a site, however many jobs wait. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * The label of the headnode's own submissions: for their recorded jobs, and for the file with their token on the site.
 */
export const GROWN = 'grown';

/** A site's login node, as the headnode reaches it. */
export interface SiteLogin {
  /** The name or address that was dialled from the user's machine. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `TYPE BASE64`: the host keys under which the user's machine knows it. */
  readonly hostKeys: readonly string[];
}

/** The settings of BOSCO at a site. */
export interface BoscoPlan {
  readonly site: string;
  /** The login node, as the user reaches it. */
  readonly host: Host;
  /** Absolute; the cluster's directory on the site. */
  readonly siteDir: string;
  /** Undefined: the headnode is the site's login node. */
  readonly login: SiteLogin | undefined;
  /** One of `boscoSchedulers`. */
  readonly scheduler: SchedulerName;
  /** How the jobs are asked for: their name, and where the site differs from other sites of its batch system. */
  readonly query: JobQuery;
  /** The batch job of one glide-in, the same as for direct submission. */
  readonly script: string;
  /** Absolute; the directory of the glide-ins' payload on the site. blahpd uses its libraries, too. */
  readonly payload: string;
  readonly bounds: Bounds;
  /** Of one glide-in, seconds. */
  readonly walltime: number;
  /** How many glide-ins may be submitted in all; undefined: no limit. */
  readonly most?: number | undefined;
  /** Lifetime of the tokens for glide-ins, seconds. */
  readonly tokenLifetime: number;
  /** What one glide-in asks the site for, and the most it may offer. */
  readonly asked: { readonly cores: number | undefined; readonly memory: number | undefined };
  /** Of one glide-in; undefined if the site's nodes are not known. */
  readonly cores: number | undefined;
  /** MiB. */
  readonly memory: number | undefined;
  /** HTCondor on the headnode. */
  readonly source: HtcondorSource;
  /** Identifies the programs: the same programs give the same word. */
  readonly programs: string;
  /** All sites at which the pool grows, including this one. */
  readonly sites: readonly string[];
}

/**
 * A site's name in HTCondor: its batch type, which leads to the site's connection. HTCondor's own type names would be the
 * same for two sites with Slurm.
 */
export const typeOf = (site: string): string => `at_${site.replaceAll('-', '_')}`;

/** The directory of a site's growth on the headnode. @param dir the pool's directory */
export const growthDir = (dir: string, site: string): string => `${dir}/bosco/${typeOf(site)}`;
