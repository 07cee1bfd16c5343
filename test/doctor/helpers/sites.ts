import type { Lab } from '../../lab/lab.js';
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
  /** The queue that the profile has as its default, and what is said of one that the site has not; absent where it doesn't tell its queues. */
  readonly queue?: { readonly name: string; readonly unknown: RegExp };
  /** What is said where nodes have another work directory than the login node, if not that nothing came of the job. */
  readonly unshared?: RegExp;
  /** What is said of an account that the site does not know, and by which stage; `strict` makes it know none but "physics". */
  readonly account?: {
    readonly refused: RegExp;
    readonly stage: 'submission' | 'job';
    strict?(lab: Lab): Promise<void>;
  };
}

const untried = /can't test a job without submitting it; --deep submits a short one$/;

/** One entry for each site that a lab can have. */
export const doctorSites: readonly DoctorSite[] = [
  {
    ...{ site: 'slurm', version: /^Slurm 2\d\.\d+/, tried: /would start at 20\d\d-/, program: 'sbatch' },
    queue: { name: 'debug', unknown: /^Slurm has no queue gone; it has debug, short$/ },
    account: { refused: /sbatch refused: Invalid account/, stage: 'submission', strict: onlyPhysics },
  },
  {
    ...{ site: 'sge', version: /^Grid Engine 8\.1\.9/, tried: /found suitable queue/, program: 'qsub' },
    queue: { name: 'all.q', unknown: /^Grid Engine has no queue gone; it has all\.q$/ },
    account: { refused: /requested project "alchemy" does not exist/, stage: 'submission' },
    unshared: /^Grid Engine took the job, but holds it: .*can't open output file .*: No such file or directory/,
  },
  {
    ...{ site: 'condor', version: /^HTCondor \d+\.\d+/, tried: untried, program: 'condor_submit' },
    account: { refused: /unknown accounting group/, stage: 'job' },
    unshared: /^HTCondor took the job, but holds it: .*as standard output: No such file or directory/,
  },
  {
    ...{ site: 'torque', version: /^Torque 6\./, tried: untried, program: 'qselect' },
    queue: { name: 'batch', unknown: /^Torque has no queue gone; it has batch/ },
  },
  {
    ...{ site: 'pbs', version: /^PBS \d+\./, tried: untried, program: 'qselect' },
    queue: { name: 'workq', unknown: /^PBS has no queue gone; it has workq/ },
  },
  {
    ...{ site: 'lsf', version: /^LSF \d+\./, tried: untried, program: 'bjobs' },
    queue: { name: 'normal', unknown: /^LSF has no queue gone; it has .*normal/ },
  },
];

/** Without Slurm's database, the site's own plugin decides, as it does on many a real site: job_submit/lua. */
async function onlyPhysics(lab: Lab): Promise<void> {
  const invalidAccount = 2045; // ESLURM_INVALID_ACCOUNT, slurm_errno.h
  const lua = `function slurm_job_submit(job, partitions, uid)
  if job.account ~= nil and job.account ~= "physics" then return ${invalidAccount} end
  return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid) return slurm.SUCCESS end
`;
  const root = { user: 'root' };
  await lab.write('login', '/etc/slurm/job_submit.lua', lua, root);
  for (const host of ['login', 'c1', 'c2'] as const)
    await lab.exec(host, ['sh', '-c', 'echo JobSubmitPlugins=lua >>/etc/slurm/slurm.conf'], root);
  await lab.stopScheduler();
  await lab.startScheduler();
}
