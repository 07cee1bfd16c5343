import { randomBytes } from 'node:crypto';
import { writeFile } from './files.js';
import type { Host } from './host.js';
import { siteProfile } from './profile.js';
import { until } from './programs.js';
import type { Site, SiteHosts } from './site.js';

const root = { user: 'root' };

/**
 * Beside what Debian's package sets (token authentication, encryption). Jobs start and end within seconds; nodes claim more
 * than this machine has. Work for nobody's experiment but these two is refused, and so is a flood. Jobs are told of the
 * site's HTCondor in all the ways that may mislead another one.
 */
const conf = (daemons: string): string => `CONDOR_HOST = login
COLLECTOR_HOST = login:9618
DAEMON_LIST = ${daemons}
UID_DOMAIN = lab
FILESYSTEM_DOMAIN = lab
TRUST_DOMAIN = lab
TRUST_UID_DOMAIN = True
ENABLE_IPV6 = False
NETWORK_INTERFACE = 10.77.1.*

NUM_CPUS = 8
MEMORY = 16000
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = True
START = True
SUSPEND = False
PREEMPT = False
KILL = False
MachineMaxVacateTime = 10
RUNBENCHMARKS = False
CGROUP_ALL_DAEMONS = False
BASE_CGROUP =

UPDATE_INTERVAL = 5
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 3

SiteMark = "lab"
STARTD_ATTRS = SiteMark
STARTER_JOB_ENVIRONMENT = "CONDOR_CONFIG=/etc/condor/condor_config _CONDOR_COLLECTOR_HOST=login:9618 _CONDOR_BIN=/usr/bin"
MAX_JOBS_PER_OWNER = 100
SUBMIT_REQUIREMENT_NAMES = Experiment
SUBMIT_REQUIREMENT_Experiment = AcctGroup =?= undefined || stringListMember(AcctGroup, "physics, chemistry")
SUBMIT_REQUIREMENT_Experiment_REASON = strcat("unknown accounting group ", AcctGroup)
`;

const profile = siteProfile({
  name: 'lab-condor',
  title: "The lab's HTCondor site",
  scheduler: ['type: htcondor'],
});

/** A token made from the key lets the daemons of all hosts trust each other. */
const issue = 'condor_token_create -identity condor@lab';

/** Not the master of a pool that a user runs here. */
const master = 'pgrep -x -u root,condor condor_master';

const started = `mkdir -p /run/condor /var/lock/condor /var/spool/condor /var/lib/condor/execute
chown condor: /run/condor /var/lock/condor /var/spool/condor /var/lib/condor /var/lib/condor/execute /var/log/condor
${master} >/dev/null || exec condor_master
`;

/** At once, as when the machine's power fails: a schedd that is asked to go would take its jobs along. */
const killed = `master=$(${master}) || exit 0
daemons=$(pgrep -d, -P "$master")
kill -KILL "$master" $(echo "$daemons" | tr , ' ') $(pgrep -P "$daemons")
`;

export const condor: Site = {
  name: 'condor',
  profileName: 'lab-condor',
  profile,
  condorOnNodes: true,

  async install({ login, nodes }) {
    const key = randomBytes(48).toString('base64');
    const secret = { ...root, mode: 0o600 };
    const everywhere = [login, ...nodes];
    await Promise.all(
      everywhere.map(async host => {
        const daemons = host === login ? 'MASTER, COLLECTOR, NEGOTIATOR, SCHEDD' : 'MASTER, STARTD';
        await writeFile(host, '/etc/condor/passwords.d/POOL', key, secret);
        await writeFile(host, '/etc/condor/config.d/50-lab.config', conf(daemons), root);
      }),
    );
    const { stdout: token } = await login.exec(['sh', '-c', issue], root);
    await Promise.all(everywhere.map(host => writeFile(host, '/etc/condor/tokens.d/pool', token, secret)));
  },

  async start(hosts, host) {
    if (host === hosts.login) return this.startController(hosts);
    const before = await startOf(hosts, host);
    await host.exec(['sh', '-ec', started], root);
    await until(`${host.name} to offer its cores`, 40_000, async () => {
      const now = await startOf(hosts, host);
      return now !== undefined && now !== before;
    });
  },

  /** A second login node has a schedd of its own. */
  async startClient(host) {
    const own = 'sed -i "s/^DAEMON_LIST = .*/DAEMON_LIST = MASTER, SCHEDD/" /etc/condor/config.d/50-lab.config';
    await host.exec(['sh', '-ec', `${own}\n${started}`], root);
    await until('the second schedd to answer', 40_000, async () => (await queue(host)) !== undefined);
  },

  async stopController({ login }) {
    await login.exec(['sh', '-c', killed], root);
  },

  async startController(hosts) {
    const { login } = hosts;
    await login.exec(['sh', '-ec', started], root);
    await until('the schedd to answer', 40_000, async () => (await queue(login)) !== undefined);
    await settle(hosts);
  },

  async jobs({ login }: SiteHosts) {
    const lines = await queue(login);
    if (lines === undefined) throw new Error('condor_q does not answer');
    return lines;
  },
};

/** When the node's startd began, as the collector knows it; undefined where it knows none. */
async function startOf({ login }: SiteHosts, node: Host): Promise<string | undefined> {
  const asked = ['condor_status', '-af', 'DaemonStartTime', '-constraint', `Machine == "${node.name}"`];
  return (await login.exec(asked, root)).stdout.split('\n')[0] || undefined;
}

/** A collector that was away knows no node until each tells it again. */
async function settle(hosts: SiteHosts): Promise<void> {
  const hear = async (node: Host) => {
    if ((await node.exec(['pgrep', '-x', 'condor_startd'], { check: false })).exitCode !== 0) return;
    await until(`${node.name} to be known`, 20_000, async () => (await startOf(hosts, node)) !== undefined);
  };
  // a node that is cut off stays unknown: its own affair
  await Promise.allSettled(hosts.nodes.map(hear));
}

/** A line per job; undefined where the schedd does not answer. */
async function queue(login: Host): Promise<string[] | undefined> {
  const shown = ['Owner', 'ClusterId', 'ProcId', 'JobStatus', 'JobBatchName'];
  const asked = await login.exec(['timeout', '10', 'condor_q', '-allusers', '-af', ...shown], {
    ...root,
    check: false,
  });
  if (asked.exitCode !== 0) return undefined;
  return asked.stdout
    .split('\n')
    .filter(Boolean)
    .map(line => `job of ${line}`);
}
