import { median } from '../bench/report.js';
import { scailfin } from '../cluster/helpers/cluster.js';
import type { Lab } from '../lab/lab.js';
import type { Cost, Sized } from './report.js';

export interface PoolPlan {
  readonly glideins: number;
  readonly jobs: number;
  /** How many `status --watch` look at it. */
  readonly watchers: number;
}

const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;
const rounds = 5;

/**
 * A cluster of one real glide-in in a lab. The others are a stand-in: their ads, as a glide-in with all its cores at work sends
 * them, with a token as each submission has one. No job is matched with them, and the jobs in the queue wait.
 */
export async function measurePool(lab: Lab, { glideins, jobs, watchers }: PoolPlan): Promise<Sized> {
  const here = async (command: string, timeoutMs = 300_000): Promise<string> => {
    const options = { env: { CONDOR_CONFIG: `${pool}/condor_config` }, timeoutMs };
    return (await lab.exec('headnode', ['bash', '-c', `set -e; ${command}`], options)).stdout.trim();
  };
  await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1']);
  try {
    await lab.write('headnode', 'ads', adsOf(glideins));
    const until = Math.floor(Date.now() / 1000) + 86_400;
    await here(`umask 077; mkdir -p load/tokens; condor_token_create -key POOL -authz ADVERTISE_STARTD \
      -identity glidein-a1b2c3d4-${until}-0-0@$(condor_config_val TRUST_DOMAIN) >load/tokens/glidein`);
    // ads that are not sent again are forgotten after a minute
    const advertise = `cd; export _CONDOR_SEC_TOKEN_DIRECTORY=$HOME/load/tokens; while sleep 15; do
      condor_advertise -multiple UPDATE_STARTD_AD ads >load/said 2>&1; done`;
    await here(`(${advertise}) >/dev/null 2>&1 </dev/null & echo $! >load/pid`);
    await here(`cd load; printf '%s\\n' 'executable = /bin/true' 'requirements = False' 'request_disk = 1M' 'queue ${jobs}' >sub
      condor_submit -terse sub >/dev/null`);
    await eventually(async () => Number(await here('condor_status -af Name | wc -l')) > glideins, 120_000);
    const watch = `for n in $(seq ${watchers}); do scailfin status --watch >/dev/null 2>&1 </dev/null & done; jobs -p >load/watchers`;
    await here(`cd; ${watch}`);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      const { stdout } = await lab.exec('headnode', ['scailfin', 'status', '--json'], { timeoutMs: 120_000 });
      times.push(performance.now() - began);
      check(JSON.parse(stdout), jobs);
    }
    const memory = async (daemon: string): Promise<number> =>
      Number(await here(`awk '/^VmHWM/ { print $2 }' /proc/$(pgrep -o -x -u scail ${daemon})/status`)) / 1024;
    const costs: Cost[] = [
      { what: 'status, median', value: median(times), unit: 'ms', grows: 'work', isTime: true },
      { what: 'status, worst', value: Math.max(...times), unit: 'ms', grows: 'work', isTime: true },
      { what: 'bytes that the pool answers', value: Number(await here(query)), unit: 'B', grows: 'work' },
      { what: 'memory of the collector', value: await memory('condor_collecto'), unit: 'MiB', grows: 'work' },
      { what: 'memory of the schedd', value: await memory('condor_schedd'), unit: 'MiB', grows: 'work' },
    ];
    const about = `${glideins} glide-ins, ${jobs} jobs that wait, ${watchers} × status --watch`;
    return { work: glideins, costs, note: about };
  } finally {
    await here('kill $(cat load/pid load/watchers); rm -rf load ads').catch(() => {});
    await scailfin(lab, 'headnode', ['down', name, '--yes']);
  }
}

const query = `condor_status -json -attributes Name,Machine,TotalSlotCpus,ChildActivity,ChildCpus,ScailfinGlidein | wc -c`;

function adsOf(count: number): string {
  const ends = Math.floor(Date.now() / 1000) + 3600;
  const ads = Array.from({ length: count }, (_, n) =>
    [
      ...[
        'MyType = "Machine"',
        `Name = "slot1@9${n}_1.a1b2c3d4@n${n}"`,
        `Machine = "n${n}"`,
        'SlotType = "Partitionable"',
      ],
      ...[
        'State = "Unclaimed"',
        'Activity = "Idle"',
        'Cpus = 0',
        'Memory = 0',
        'TotalSlotCpus = 4',
        'TotalSlotMemory = 8000',
      ],
      ...['PartitionableSlot = true', 'ChildActivity = {"Busy","Busy"}', 'ChildCpus = {2,2}', 'Requirements = false'],
      ...[`ScailfinGlidein = "9${n}_1"`, 'ScailfinSite = "lab-slurm"', `ScailfinEnds = ${ends}`],
      ...['MyAddress = "<127.0.0.1:1>"', 'StartdIpAddr = "<127.0.0.1:1>"'],
    ].join('\n'),
  );
  return `${ads.join('\n\n')}\n`;
}

function check(status: { readonly jobs?: { readonly idle: number } }, jobs: number): void {
  if (status.jobs?.idle !== jobs) throw new Error(`status tells ${status.jobs?.idle} of ${jobs} jobs that wait`);
}

async function eventually(isSo: () => Promise<boolean>, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !(await isSo()); await new Promise(resolve => setTimeout(resolve, 1000)))
    if (Date.now() > end) throw new Error('the glide-ins did not come into the pool');
}
