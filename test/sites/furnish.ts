import type { SiteProfile } from '../../src/sites/schema.js';
import type { Lab } from '../lab/lab.js';
import { until } from '../lab/programs.js';

const root = { user: 'root', timeoutMs: 60_000 };
const siteHosts = ['login', 'c1', 'c2'] as const;

/** slurm.conf(5): the partitions of all these sites, over nodes as large as their largest, with their features and GPUs. */
function slurmConf(profiles: readonly SiteProfile[]): string {
  const partitions = profiles
    .filter(p => p.scheduler.queueOption !== 'qos')
    .flatMap(p => Object.entries(p.queues))
    // an entry with another name for a partition is that partition's
    .filter(([name, queue]) => (queue.name ?? name) === name)
    .map(([name, { walltime = 3600, nodes }]) => {
      const most = nodes === undefined ? '' : ` MaxNodes=${nodes}`;
      return `PartitionName=${name} Nodes=c[1-2] MaxTime=${walltime / 60}${most}`;
    });
  return `EnforcePartLimits=ALL
GresTypes=gpu
NodeName=c[1-2] CPUs=128 RealMemory=4194304 Feature=cpu,gpu Gres=gpu:v100-32:8
PartitionName=usual Nodes=c[1-2] Default=YES MaxTime=2-0
${partitions.join('\n')}
`;
}

/** The lab's Slurm becomes those sites' at once. There is no accounting: any account and any QOS will do. */
export async function furnishSlurm(lab: Lab, profiles: readonly SiteProfile[]): Promise<void> {
  await lab.stopScheduler();
  // GPUs are only files here; they are never opened
  const change = `sed -i '/^NodeName\\|^PartitionName\\|^EnforcePartLimits\\|^GresTypes/d' /etc/slurm/slurm.conf
cat >>/etc/slurm/slurm.conf
echo 'Name=gpu Type=v100-32 File=/dev/nvidia[0-7]' >/etc/slurm/gres.conf
for n in 0 1 2 3 4 5 6 7; do [ -e /dev/nvidia$n ] || mknod /dev/nvidia$n c 1 3; done
! pkill -x slurmd || while pgrep -x slurmd >/dev/null; do sleep 0.1; done`;
  for (const host of siteHosts) await lab.exec(host, ['sh', '-ec', change], { ...root, stdin: slurmConf(profiles) });
  // what it remembers of its nodes is no longer true
  await lab.exec('login', ['slurmctld', '-c'], root);
  for (const host of ['c1', 'c2'] as const) await lab.exec(host, ['slurmd'], root);
  await until('the nodes to be idle', 30_000, async () => {
    const { stdout } = await lab.exec('login', ['sinfo', '-h', '-N', '-p', 'usual', '-o', '%T'], root);
    return stdout === 'idle\nidle\n';
  });
}

/** The lab's Grid Engine gets a site's queues, and GPUs that are counted for each job. */
export async function furnishSge(lab: Lab, { queues, scheduler }: SiteProfile): Promise<void> {
  const admin = 'setpriv --reuid=sgeadmin --regid=sgeadmin --clear-groups';
  const each = Object.entries(queues).map(([name, { gpus = 0, cores = 64 }]) => {
    const counted = gpus > 0 ? `gpu_card=${gpus}` : 'NONE';
    const change = `s/^qname.*/qname ${name}/; s/^slots.*/slots ${cores}/; s/^complex_values.*/complex_values ${counted}/`;
    return `qconf -sq all.q | sed '${change}; s/^pe_list.*/pe_list ${scheduler.parallelEnvironment}/' >q && q -Aq "$PWD/q"`;
  });
  const script = `cd "$(mktemp -d)" && chmod 755 .
q() { ${admin} qconf "$@" >>log 2>&1 || { cat log >&2; exit 1; }; }
{ qconf -sc; echo 'gpu_card gpu_card INT <= YES JOB 0 0'; } >complexes
q -Mc "$PWD/complexes"
${each.join('\n')}
rm -rf "$PWD"`;
  const env = { SGE_ROOT: '/var/lib/gridengine', SGE_CELL: 'default', SGE_SINGLE_LINE: '1' };
  await lab.exec('login', ['sh', '-ec', script], { ...root, env });
}
