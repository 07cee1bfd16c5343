import { randomBytes } from 'node:crypto';
import { stopDaemon } from './daemon.js';
import { writeFile } from './files.js';
import type { Host } from './host.js';
import { loginLanAddress } from './layout.js';
import { siteProfile } from './profile.js';
import { until } from './programs.js';
import type { Site, SiteHosts } from './site.js';

/** Where a site with another batch system in front has Slurm's commands, which nobody is to see. */
export const backstage = '/usr/libexec/lab-slurm';
const PATH = `/usr/sbin:/usr/bin:/sbin:/bin:${backstage}`;
const root = { user: 'root', env: { PATH } };

/**
 * slurm.conf(5). Without cgroups, processes are tracked by parentage (linuxproc): what a job leaves in the background
 * outlives it, as on a badly kept site. Nodes claim more than this machine has, which config_overrides lets them.
 */
const common = `ClusterName=lab
SlurmctldHost=login(${loginLanAddress})
SlurmUser=slurm
AuthType=auth/munge
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=2000
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=30
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName=c[1-2] CPUs=8 RealMemory=16000
`;

const own = `KillWait=3
PartitionName=debug Nodes=c[1-2] Default=YES MaxTime=2-0 DefaultTime=60
PartitionName=short Nodes=c[1-2] MaxTime=10
`;

const profile = siteProfile({
  name: 'lab-slurm',
  title: "The lab's Slurm site",
  scheduler: ['type: slurm'],
  queues: [
    'debug: { walltime: 2d, nodes: 2, jobs: 100, default: true, shared: true }',
    'short: { walltime: 10m, nodes: 2, shared: true }',
  ],
});

const prepare = `mkdir -p /var/log/slurm /var/spool/slurmctld /var/spool/slurmd
chown slurm: /var/log/slurm /var/spool/slurmctld
chown munge: /etc/munge/munge.key`;

const munged = `mkdir -p -m 755 /run/munge && chown munge: /run/munge
setpriv --reuid=munge --regid=munge --clear-groups munged`;

/** @param conf lines of slurm.conf(5) beside the common ones: partitions at least */
export const slurmWith = (conf: string): Omit<Site, 'name' | 'profileName' | 'profile'> => ({
  async install({ login, nodes }) {
    const mungeKey = randomBytes(128);
    await Promise.all(
      [login, ...nodes].map(async host => {
        await writeFile(host, '/etc/munge/munge.key', mungeKey, { ...root, mode: 0o400 });
        await writeFile(host, '/etc/slurm/slurm.conf', common + conf, root);
        await writeFile(host, '/etc/slurm/cgroup.conf', 'CgroupPlugin=disabled\n', root);
        await host.exec(['sh', '-ec', prepare], root);
      }),
    );
  },

  async start(hosts, host) {
    await host.exec(['sh', '-ec', munged], root);
    if (host === hosts.login) return this.startController(hosts);
    const before = await nodeField(hosts, host, 'SlurmdStartTime');
    await host.exec(['slurmd'], root);
    await until(`slurmd of ${host.name} to be idle`, 30_000, async () => {
      if ((await nodeField(hosts, host, 'SlurmdStartTime')) === before) return false;
      return /^(IDLE|MIXED|ALLOCATED)(\+COMPLETING)?$/.test((await nodeField(hosts, host, 'State')) ?? '');
    });
  },

  async startClient(host) {
    await host.exec(['sh', '-ec', munged], root);
  },

  stopController: ({ login }) => stopDaemon(login, 'slurmctld'),

  async startController(hosts) {
    const { login } = hosts;
    await login.exec(['sh', '-c', 'pgrep -x slurmctld || exec slurmctld'], root);
    const answers = async () => (await login.exec(['scontrol', 'ping'], root)).stdout.includes('is UP');
    await until('slurmctld to answer', 20_000, answers);
    await settle(hosts);
  },

  async jobs({ login }) {
    const { stdout } = await login.exec(['squeue', '--noheader', '--format=job %i of %u is %T (%j)'], root);
    return stdout.split('\n').filter(Boolean);
  },
});

export const slurm: Site = { name: 'slurm', profileName: 'lab-slurm', profile, ...slurmWith(own) };

/** A controller that was away takes seconds to hear from the nodes again, and gives them no jobs until then. */
async function settle(hosts: SiteHosts): Promise<void> {
  const hear = async (node: Host) => {
    if ((await node.exec(['pgrep', '-x', 'slurmd'], { check: false })).exitCode !== 0) return;
    const isKnown = async () => !/^UNKNOWN/.test((await nodeField(hosts, node, 'State')) ?? 'UNKNOWN');
    await until(`${node.name} to be known`, 15_000, isKnown);
  };
  // a node that is cut off stays unknown: its own affair
  await Promise.allSettled(hosts.nodes.map(hear));
}

async function nodeField({ login }: SiteHosts, node: Host, field: string): Promise<string | undefined> {
  const { stdout } = await login.exec(['scontrol', '--oneliner', 'show', 'node', node.name], root);
  return new RegExp(`\\b${field}=(\\S+)`).exec(stdout)?.[1];
}
