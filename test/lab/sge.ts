import { stopDaemon } from './daemon.js';
import type { Host } from './host.js';
import { siteProfile } from './profile.js';
import { until } from './programs.js';
import type { Site, SiteHosts } from './site.js';

const root = { user: 'root' };

const profile = siteProfile({
  name: 'lab-sge',
  title: "The lab's Grid Engine site",
  scheduler: ['type: sge', 'parallelEnvironment: smp', 'nodesEnvironment: spread-4'],
  queues: ['all.q: { walltime: 2d, nodes: 2, jobs: 100, default: true, shared: true }'],
});

const environment = 'export SGE_ROOT=/var/lib/gridengine SGE_CELL=default SGE_SINGLE_LINE=1\n';

/**
 * The qmaster gives up when it can't write act_qmaster itself. Debian's commands ask `arch` each time, which starts a compiler
 * and thirty processes: it is asked once. Other distributions have programs in their place.
 */
const prepare = `cell=/var/lib/gridengine/default/common
mkdir -p "$cell" && chown -R sgeadmin:sgeadmin /var/lib/gridengine/default
echo login >"$cell/act_qmaster" && chown sgeadmin:sgeadmin "$cell/act_qmaster"
grep -q ^sge_qmaster /etc/services || printf 'sge_qmaster 6444/tcp\\nsge_execd 6445/tcp\\n' >>/etc/services
arch=/usr/share/gridengine/util/arch
printf '#!/bin/sh\\necho %s\\n' "$($arch)" >$arch.new && chmod 755 $arch.new && mv $arch.new $arch
`;

const asAdmin = 'setpriv --reuid=sgeadmin --regid=sgeadmin --clear-groups';
const initialise = `${asAdmin} /usr/share/gridengine/scripts/init_cluster /var/lib/gridengine default \\
  /var/spool/gridengine/spooldb sgeadmin >/tmp/init_cluster.log 2>&1 || { cat /tmp/init_cluster.log >&2; exit 1; }
rm -f /tmp/init_cluster.log
`;

const started = (program: string): string => `${environment}mkdir -p -m 755 /run/gridengine
chown sgeadmin:sgeadmin /run/gridengine
export SGE_MASTER_PIDFILE=/run/gridengine/qmaster.pid SGE_EXECD_PIDFILE=/run/gridengine/execd.pid
pgrep -x ${program} >/dev/null || exec /usr/sbin/${program} >/dev/null 2>&1
`;

/**
 * Jobs begin and end within a second or two. A job that a reboot or -notify ends has 5 s. A queue's own editor is the only
 * way to make one: it changes the template that qconf hands it, and must leave it newer than it was.
 */
const configure = `${environment}cd "$(mktemp -d)" && chmod 755 .
q() { ${asAdmin} qconf "$@" >>log 2>&1 || { cat log >&2; exit 1; }; }
touch log && chown sgeadmin . log
q -ah login,c1,c2
q -as login
qconf -ssconf | sed 's/^schedule_interval.*/schedule_interval 0:0:1/; s/^flush_submit_sec.*/flush_submit_sec 1/
  s/^flush_finish_sec.*/flush_finish_sec 1/; s/^schedd_job_info.*/schedd_job_info true/' >sched
q -Msconf sched
qconf -sconf | sed 's/^load_report_time.*/load_report_time 00:00:02/; s/^max_unheard.*/max_unheard 00:00:30/
  s/^reporting_params.*/reporting_params accounting=true reporting=false flush_time=00:00:01 joblog=false sharelog=00:00:00/' >global
q -Mconf global
printf 'group_name @allhosts\\nhostlist c1 c2\\n' >hosts
q -Ahgrp hosts
cat >smp <<'P'
pe_name            smp
slots              999
user_lists         NONE
xuser_lists        NONE
start_proc_args    NONE
stop_proc_args     NONE
allocation_rule    $pe_slots
control_slaves     FALSE
job_is_first_task  TRUE
urgency_slots      min
accounting_summary FALSE
qsort_args         NONE
P
q -Ap smp
# several nodes with four slots each; qrsh -inherit starts tasks on them
sed 's/^pe_name.*/pe_name spread-4/; s/^allocation_rule.*/allocation_rule 4/
  s/^control_slaves.*/control_slaves TRUE/; s/^job_is_first_task.*/job_is_first_task FALSE/' smp >spread
q -Ap spread
cat >editor <<'P'
#!/bin/sh
sed -i 's/^qname.*/qname all.q/; s/^hostlist.*/hostlist @allhosts/; s/^slots.*/slots 8/; s/^pe_list.*/pe_list smp spread-4/
  s/^load_thresholds.*/load_thresholds NONE/; s/^shell .*/shell \\/bin\\/bash/; s/^notify.*/notify 00:00:05/' "$1"
touch -d '+2 sec' "$1"
P
chmod 755 editor
EDITOR=$PWD/editor q -aq all.q
rm -rf "$PWD"
`;

export const sge: Site = {
  name: 'sge',
  profileName: 'lab-sge',
  profile,

  async install({ login, nodes }) {
    const everywhere = [login, ...nodes].map(host => host.exec(['sh', '-ec', prepare], root));
    await Promise.all(everywhere);
    await login.exec(['sh', '-ec', initialise], { ...root, timeoutMs: 60_000 });
  },

  async start(hosts, host) {
    if (host === hosts.login) {
      await this.startController(hosts);
      const { exitCode } = await qconf(host, '-sq', 'all.q');
      if (exitCode !== 0) await host.exec(['sh', '-ec', configure], { ...root, timeoutMs: 60_000 });
      return;
    }
    await host.exec(['sh', '-ec', started('sge_execd')], { ...root, timeoutMs: 30_000 });
    await until(`${host.name} to report`, 40_000, async () => {
      const { stdout } = await hosts.login.exec(['qhost', '-h', host.name, '-xml'], { ...root, check: false });
      return new RegExp(`name='${host.name}'[^]*'mem_used'>\\d`).test(stdout);
    });
  },

  stopController: ({ login }) => stopDaemon(login, 'sge_qmaster'),

  async startController({ login }) {
    await login.exec(['sh', '-ec', started('sge_qmaster')], { ...root, timeoutMs: 30_000 });
    await until('sge_qmaster to answer', 20_000, async () => (await qconf(login, '-sh')).exitCode === 0);
  },

  async jobs({ login }: SiteHosts) {
    const { stdout } = await login.exec(['qstat', '-u', '*'], root);
    return stdout
      .split('\n')
      .filter(line => /^\s*\d/.test(line))
      .map(line => `job ${line.trim().replaceAll(/\s+/g, ' ')}`);
  },
};

function qconf(login: Host, ...args: string[]) {
  return login.exec(['timeout', '5', 'qconf', ...args], { ...root, check: false });
}
