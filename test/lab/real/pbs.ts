import { stopDaemon } from '../daemon.js';
import { writeFile } from '../files.js';
import type { Host } from '../host.js';
import { until } from '../programs.js';
import type { Site, SiteHosts } from '../site.js';
import { pbs as standIn } from '../standin.js';
import { clear, requiredTree } from './tree.js';

const root = { user: 'root' };

/** pbs.conf(8B) of the PBS Reference Guide. */
const conf = (isServer: boolean): string => `PBS_EXEC=/opt/pbs
PBS_HOME=/var/spool/pbs
PBS_SERVER=login
PBS_START_SERVER=${isServer ? 1 : 0}
PBS_START_SCHED=${isServer ? 1 : 0}
PBS_START_COMM=${isServer ? 1 : 0}
PBS_START_MOM=${isServer ? 0 : 1}
PBS_CORE_LIMIT=0
PBS_SCP=/usr/bin/scp
`;

/** The server keeps its jobs in PostgreSQL, which runs as a user of its own. */
const prepareServer = `id postgres >/dev/null 2>&1 || useradd --system --create-home --home-dir /var/lib/postgresql --shell /bin/bash postgres
ln -sf /opt/pbs/bin/* /usr/bin/
`;
const makeHome = `/opt/pbs/libexec/pbs_postinstall server 23.06.06 /opt/pbs /var/spool/pbs postgres sameconf`;

/** Output files are copied within the shared homes. */
const makeMom = `/opt/pbs/libexec/pbs_postinstall execution 23.06.06 /opt/pbs /var/spool/pbs '' sameconf
printf '$clienthost login\\n$usecp *:/ /\\n' >/var/spool/pbs/mom_priv/config
`;

/**
 * Debian's PostgreSQL has its socket there. On a busy machine the first start makes a database in vain, because it does not
 * wait for PostgreSQL, and the next one must not find it.
 */
const startServer = `mkdir -p /run/postgresql && chown postgres: /run/postgresql
for try in 1 2 3; do
  new=; [ -e /var/spool/pbs/datastore ] || new=yes
  ! /opt/pbs/libexec/pbs_init.d start || exit 0
  [ -z "$new" ] || { pkill -u postgres || :; sleep 2; rm -rf /var/spool/pbs/datastore; }
done
exit 1`;

/** The queues of the stand-in. Ended jobs are told of for a day. */
const configure = `create node c1 resources_available.ncpus=8, resources_available.mem=16000mb
create node c2 resources_available.ncpus=8, resources_available.mem=16000mb
set server job_history_enable = True
set server job_history_duration = 24:00:00
set server flatuid = True
set queue workq resources_max.walltime = 48:00:00
set queue workq resources_default.walltime = 00:30:00
create queue stopped queue_type=execution, enabled=True, started=False
create queue disabled queue_type=execution, enabled=False, started=True
create queue private queue_type=execution, enabled=True, started=True, acl_user_enable=True, acl_users=bob
`;

/** OpenPBS or PBS Professional, from a tree in which it is installed. */
export const realPbs: Site = {
  name: 'real-pbs',
  get tree() {
    return requiredTree('pbs');
  },
  ...{ profileName: standIn.profileName, profile: standIn.profile },
  // qsub stays for a minute, to be faster when it is called again; the commands keep what they found out
  lingering: /^login: (process \d+ alice qsub\b|file \/var\/tmp\/(pbs_default|\.pbs_last_query)_)/,

  async install({ login, nodes }) {
    const each = async (host: Host, isServer: boolean): Promise<void> => {
      await writeFile(host, '/etc/pbs.conf', conf(isServer), { ...root, mode: 0o644 });
      const script = clear + (isServer ? prepareServer + makeHome : makeMom);
      await host.exec(['bash', '-ec', script], { ...root, timeoutMs: 60_000 });
    };
    await Promise.all([each(login, true), ...nodes.map(node => each(node, false))]);
  },

  async start(hosts, host) {
    if (host === hosts.login) {
      await this.startController(hosts);
      if ((await qmgr(host, 'list queue private')).exitCode !== 0)
        await host.exec(['qmgr'], { ...root, stdin: configure, timeoutMs: 60_000 });
      return;
    }
    await host.exec(['/opt/pbs/libexec/pbs_init.d', 'start'], { ...root, timeoutMs: 60_000 });
    await until(`${host.name} to be free`, 60_000, async () => {
      const { stdout } = await hosts.login.exec(['pbsnodes', host.name], { ...root, check: false });
      return /^ *state = (free|job-busy)$/m.test(stdout);
    });
  },

  stopController: ({ login }) => stopDaemon(login, 'pbs_server.bin'),

  async startController({ login }) {
    await login.exec(['sh', '-ec', startServer], { ...root, timeoutMs: 120_000 });
    await until('pbs_server to answer', 60_000, async () => (await qmgr(login, 'list server')).exitCode === 0);
  },

  async jobs({ login }: SiteHosts) {
    const { stdout } = await login.exec(['qselect', '-T', '-s', 'EHQRTW'], root);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(id => `job ${id}`);
  },
};

const qmgr = (host: Host, command: string) =>
  host.exec(['timeout', '10', 'qmgr', '-c', command], { ...root, check: false });
