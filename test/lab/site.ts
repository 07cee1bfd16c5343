import { condor } from './condor.js';
import type { Host } from './host.js';
import { realLsf } from './real/lsf.js';
import { realPbs } from './real/pbs.js';
import { realTorque } from './real/torque.js';
import { sge } from './sge.js';
import { slurm } from './slurm.js';
import { lsf, pbs, torque } from './standin.js';

/** The HPC site of a lab: a scheduler over the login node and the compute nodes. */
export interface Site {
  readonly name: string;
  /** The file name, without .yaml, under which scail finds its profile, and the `name` in it. */
  readonly profileName: string;
  readonly profile: string;
  /** A directory that is laid over the root file system of the lab's hosts: an installed batch system. */
  readonly tree?: string | undefined;
  /** What the batch system's own programs leave for the user who called them, as `Lab.leftovers` names it. */
  readonly lingering?: RegExp;
  /** HTCondor is the site's own there. Elsewhere the nodes have none, so that tests prove that glide-ins bring all they need. */
  readonly condorOnNodes?: true;
  /** Puts configuration and keys on the site's hosts' disks, once. */
  install(hosts: SiteHosts): Promise<void>;
  /** Starts what belongs on this host; again after each reboot. Ready for users when it resolves. */
  start(hosts: SiteHosts, host: Host): Promise<void>;
  /** Starts what the batch system's commands need on a second login node. */
  startClient?(host: Host): Promise<void>;
  /** The central daemon goes away, as in an outage, and comes back. Jobs that run go on. */
  stopController(hosts: SiteHosts): Promise<void>;
  startController(hosts: SiteHosts): Promise<void>;
  /** A line per job that waits or runs. */
  jobs(hosts: SiteHosts): Promise<string[]>;
}

export interface SiteHosts {
  readonly login: Host;
  readonly nodes: readonly Host[];
}

const sites = {
  slurm,
  sge,
  condor,
  torque,
  pbs,
  lsf,
  'real-pbs': realPbs,
  'real-torque': realTorque,
  'real-lsf': realLsf,
} satisfies {
  [name: string]: Site;
};
export type SiteName = keyof typeof sites;
export const siteNames = Object.keys(sites) as SiteName[];
export const siteNamed = (name: SiteName): Site => sites[name];
