import { stopDaemon } from '../daemon.js';
import { writeFile } from '../files.js';
import type { Host } from '../host.js';
import { until } from '../programs.js';
import type { Site, SiteHosts } from '../site.js';
import { torque as standIn } from '../standin.js';
import { clear, requiredTree } from './tree.js';

const root = { user: 'root' };
const home = '/var/spool/torque';

/** pbs_mom's own configuration, pbs_mom(8B): output files are copied within the shared homes. */
const mom = '$pbsserver login\n$usecp *:/ /\n$status_update_time 5\n$check_poll_time 5\n';

const prepareServer = `ln -sf /opt/torque/bin/* /usr/bin/
`;

/** The queues of the stand-in. Ended jobs are told of for five minutes. */
const configure = `set server scheduling = True
set server keep_completed = 300
set server scheduler_iteration = 5
set server node_check_rate = 15
set server job_stat_rate = 5
set server query_other_jobs = True
create node c1 np=8
create node c2 np=8
create queue batch queue_type = execution
set queue batch resources_max.walltime = 48:00:00
set queue batch resources_default.walltime = 01:00:00
set queue batch resources_default.nodes = 1
set queue batch enabled = True
set queue batch started = True
create queue stopped queue_type = execution
set queue stopped resources_default.nodes = 1
set queue stopped enabled = True
set queue stopped started = False
create queue disabled queue_type = execution
set queue disabled enabled = False
set queue disabled started = True
create queue private queue_type = execution
set queue private acl_user_enable = True
set queue private acl_users = bob
set queue private enabled = True
set queue private started = True
set server default_queue = batch
`;

/** Torque, from a tree in which it is installed. */
export const realTorque: Site = {
  name: 'real-torque',
  get tree() {
    return requiredTree('torque');
  },
  ...{ profileName: standIn.profileName, profile: standIn.profile },

  async install({ login, nodes }) {
    const each = async (host: Host, script: string): Promise<void> => {
      await writeFile(host, `${home}/server_name`, 'login\n', { ...root, mode: 0o644 });
      await host.exec(['bash', '-ec', clear + script], { ...root, timeoutMs: 60_000 });
    };
    const moms = nodes.map(async node => {
      await writeFile(node, `${home}/mom_priv/config`, mom, { ...root, mode: 0o644 });
      await each(node, '');
    });
    await Promise.all([each(login, prepareServer), ...moms]);
  },

  async start(hosts, host) {
    if (host === hosts.login) {
      await this.startController(hosts);
      return;
    }
    await host.exec(['/opt/torque/sbin/pbs_mom'], { ...root, timeoutMs: 60_000 });
    await until(`${host.name} to be free`, 90_000, async () => {
      const { stdout } = await hosts.login.exec(['pbsnodes', host.name], { ...root, check: false });
      return /^ *state = (free|job-exclusive)$/m.test(stdout);
    });
  },

  async startClient(host) {
    await host.exec(['/opt/torque/sbin/trqauthd'], root);
  },

  async stopController({ login }) {
    // TERM would make it wait for its jobs, and refuse all else: qterm(8B)
    await login.exec(['/opt/torque/bin/qterm', '-t', 'quick'], { ...root, check: false });
    await stopDaemon(login, 'pbs_server');
  },

  async startController({ login }) {
    const start = `exec 3<&0 </dev/null; cd /
pgrep -x trqauthd >/dev/null || /opt/torque/sbin/trqauthd
new=; [ -e ${home}/server_priv/serverdb ] || new='-t create -f'
pgrep -x pbs_server >/dev/null || /opt/torque/sbin/pbs_server $new
pgrep -x pbs_sched >/dev/null || /opt/torque/sbin/pbs_sched
i=0; until timeout 10 qmgr -c 'list server' </dev/null >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 60 ]; sleep .5; done
[ -z "$new" ] || qmgr <&3`;
    await login.exec(['bash', '-ec', start], { ...root, stdin: configure, timeoutMs: 120_000 });
  },

  async jobs({ login }: SiteHosts) {
    const { stdout } = await login.exec(['qselect', '-s', 'EHQRTW'], root);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(id => `job ${id}`);
  },
};
