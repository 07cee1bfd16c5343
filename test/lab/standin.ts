import { writeFile } from './files.js';
import type { Host } from './host.js';
import { siteProfile } from './profile.js';
import type { Site } from './site.js';
import { backstage, slurmWith } from './slurm.js';

const root = { user: 'root' };

/** A batch system that no Debian package has: programs that speak as the real ones were recorded, and run jobs by Slurm. */
interface StandIn {
  readonly name: 'torque' | 'pbs' | 'lsf';
  readonly title: string;
  /** Commands on the login node. */
  readonly programs: readonly string[];
  /** Directories on every host that all users write to. */
  readonly spools: readonly string[];
  /** Lines of slurm.conf(5) for the queues. */
  readonly partitions: readonly string[];
  /** Lines of the profile that say which queues there are. */
  readonly queues: readonly string[];
  /** Programs of the compute nodes, as scripts by name. */
  readonly onNodes?: { readonly [name: string]: string };
}

/** The programs of the other batch systems in the root file system are out of sight or gone. */
const hide = `mkdir -p ${backstage}
grep ^/usr/bin/ /var/lib/dpkg/info/slurm-client.list | xargs mv -t ${backstage}
grep ^/usr/bin/ /var/lib/dpkg/info/gridengine-client.list | xargs rm -f
`;

/** Finished jobs are remembered for as long as the system in front wants; the node's part ends jobs by itself. */
const conf = `MinJobAge=86400
KillWait=30
`;

function standIn(system: StandIn): Site {
  const { name, title, programs, spools, partitions, queues, onNodes = {} } = system;
  const behind = slurmWith(`${conf}${partitions.map(line => `PartitionName=${line}\n`).join('')}`);
  const prepare = `${hide}mkdir -p ${spools.join(' ')}\nchmod 1777 ${spools.join(' ')}\n`;
  const install = (host: Host, program: string, body: string): Promise<void> =>
    writeFile(host, `/usr/bin/${program}`, `#!/bin/sh\n${body}\n`, { ...root, mode: 0o755 });
  const speak = (program: string): string =>
    `exec /usr/local/bin/node /opt/scailfin/test/lab/standins/${name}.js ${program} "$@"`;
  return {
    name,
    profileName: `lab-${name}`,
    profile: siteProfile({ name: `lab-${name}`, title, scheduler: [`type: ${name}`], queues }),
    ...behind,
    async install(hosts) {
      await behind.install(hosts);
      await Promise.all([hosts.login, ...hosts.nodes].map(host => host.exec(['sh', '-ec', prepare], root)));
      await Promise.all([
        ...programs.map(program => install(hosts.login, program, speak(program))),
        ...hosts.nodes.flatMap(host => Object.entries(onNodes).map(([program, body]) => install(host, program, body))),
      ]);
    },
  };
}

/** aprun(1) of a Cray, where a job's script runs beside the nodes and this takes the program there. Glide-ins keep the mark. */
const aprun = `while getopts bn:d:N: option; do :; done
shift $((OPTIND - 1))
export ALPS_APP_PE=0 SCAILFIN_STAND_IN=aprun
exec "$@"`;

/**
 * Starts a program once on each node of the job in which this runs, as a step of the Slurm job behind it, whose number only
 * the node's part knows. Nothing of the environment reaches the nodes except what the batch system sets there.
 * @param skip shell that removes the program's own options
 */
const onEachNode = (skip: string, hidden: string): string => `${skip}
pid=$$ job=
value() { tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | sed -n "s/^$1=//p"; }
while [ -z "$job" ] && [ "$pid" -gt 1 ]; do
  pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
  job=$(value SLURM_JOB_ID)
done
[ -n "$job" ] || { echo 'not executing under the batch system' >&2; exit 1; }
count=$(value SLURM_JOB_NUM_NODES)
exec env -i HOME="$HOME" USER="$USER" PATH=/usr/bin:/bin ${hidden} \
  ${backstage}/srun --jobid="$job" --nodes="$count" --ntasks="$count" --ntasks-per-node=1 --wait=0 --kill-on-bad-exit=0 "$@"`;

/** pbsdsh(1B) of Torque with -u: once on each host. */
const pbsdshTorque = onEachNode('[ "$1" = -u ] || exit 2; shift', 'PBS_JOBID="$PBS_JOBID" PBS_ENVIRONMENT=PBS_BATCH');
/** pbsdsh of PBS: once for each process in the list of nodes, of which the chunks here have one each. */
const pbsdshPbs = onEachNode('[ "$1" = -- ] || exit 2; shift', 'PBS_JOBID="$PBS_JOBID" PBS_ENVIRONMENT=PBS_BATCH');
/** blaunch of LSF: once on each host that -z names, which are all of the job here. */
const blaunch = onEachNode('[ "$1" = -z ] || exit 2; shift 2', 'LSB_JOBID="$LSB_JOBID"');

/** What was asked for at each submission. */
const orders = '/var/spool/lab-batch/orders';
const everywhere = 'Nodes=c[1-2] MaxTime=3-0';

export const torque = standIn({
  name: 'torque',
  title: "The lab's Torque site",
  programs: ['qsub', 'qstat', 'qselect', 'qdel', 'qhold', 'qrls', 'pbsnodes'],
  spools: [orders, ...['aux', 'spool', 'mom_priv/jobs'].map(dir => `/var/spool/torque/${dir}`)],
  partitions: [`batch ${everywhere} Default=YES`, `private ${everywhere}`, `stopped ${everywhere} State=DOWN`],
  queues: ['batch: { walltime: 2d, nodes: 2, jobs: 100, default: true, shared: true }'],
  onNodes: { aprun, pbsdsh: pbsdshTorque },
});

export const pbs = standIn({
  name: 'pbs',
  title: "The lab's PBS site",
  programs: ['qsub', 'qstat', 'qselect', 'qdel', 'qhold', 'qrls', 'pbsnodes'],
  spools: [orders, ...['aux', 'spool', 'mom_priv/jobs'].map(dir => `/var/spool/pbs/${dir}`)],
  partitions: [`workq ${everywhere} Default=YES`, `private ${everywhere}`, `stopped ${everywhere} State=DOWN`],
  queues: ['workq: { walltime: 2d, nodes: 2, jobs: 100, default: true, shared: true }'],
  onNodes: { pbsdsh: pbsdshPbs },
});

export const lsf = standIn({
  name: 'lsf',
  title: "The lab's LSF site",
  programs: ['bsub', 'bjobs', 'bhist', 'bkill', 'bstop', 'bresume', 'bqueues', 'bhosts', 'lsid'],
  spools: [orders],
  partitions: [
    `normal ${everywhere} Default=YES`,
    `short ${everywhere}`,
    `private ${everywhere}`,
    `stopped ${everywhere} State=DOWN`,
  ],
  queues: ['normal: { walltime: 2d, nodes: 2, jobs: 100, default: true, shared: true }'],
  onNodes: { blaunch },
});
