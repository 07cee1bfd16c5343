import type { SiteName } from '../../lab/site.js';

/** What the checks must know of a lab's site, beside what its `Site` says. */
export interface DoctorSite {
  readonly site: SiteName;
  /** How the batch system is called and which version of it the lab has. */
  readonly version: RegExp;
  /** What it says of a job that it only tries. */
  readonly tried: RegExp;
  /** A program that the adapter needs. */
  readonly program: string;
  /** The queue that the profile has as its default, and the site's own words on one it has not; absent without queues. */
  readonly queue?: { readonly name: string; readonly unknown: RegExp };
  /** What a job of one glide-in is given, where the batch system tells. */
  readonly given: { readonly cores: number; readonly memory: number };
}

/** One line for each site that a lab can have. */
export const doctorSites: readonly DoctorSite[] = [
  {
    site: 'slurm',
    version: /^Slurm 2\d\.\d+/,
    tried: /would start at 20\d\d-/,
    program: 'sbatch',
    queue: { name: 'debug', unknown: /Slurm has no queue gone; it has debug, short/ },
    given: { cores: 8, memory: 16000 },
  },
  {
    site: 'sge',
    version: /^Grid Engine 8\.1\.9/,
    tried: /found suitable queue/,
    program: 'qsub',
    queue: { name: 'all.q', unknown: /Grid Engine has no queue gone; it has all\.q/ },
    given: { cores: 8, memory: 16000 },
  },
];
