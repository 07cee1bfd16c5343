import { stopDaemon } from '../daemon.js';
import { writeFile } from '../files.js';
import type { Host } from '../host.js';
import { until } from '../programs.js';
import type { Site, SiteHosts } from '../site.js';
import { lsf as standIn } from '../standin.js';
import { clear, requiredTree } from './tree.js';

const root = { user: 'root' };
const top = '/opt/openlava';

/** lsf.conf(5). */
const conf = `LSF_SERVERDIR=${top}/sbin
LSF_BINDIR=${top}/bin
LSF_LIBDIR=${top}/lib
LSF_ENVDIR=/etc
LSF_CONFDIR=${top}/etc
LSB_CONFDIR=${top}/etc
LSB_SHAREDIR=/var/spool/openlava
LSF_LOGDIR=/var/log
LSF_LOG_MASK=LOG_WARNING
LSF_LIM_PORT=16322
LSF_RES_PORT=16323
LSB_MBD_PORT=16324
LSB_SBD_PORT=16325
LSF_AUTH=eauth
LSB_MAILPROG=/bin/true
`;

const queue = (name: string, more = ''): string => `Begin Queue
QUEUE_NAME = ${name}
PRIORITY = 30
NEW_JOB_SCHED_DELAY = 0
${more}DESCRIPTION = of the lab
End Queue
`;

/** The first host of the cluster is its master. The queues are those of the stand-in. */
const files = {
  'lsf.shared': `Begin Cluster
ClusterName
openlava
End Cluster
Begin HostType
TYPENAME
linux
End HostType
Begin HostModel
MODELNAME CPUFACTOR ARCHITECTURE
IntelI5 100 (x86_64)
End HostModel
Begin Resource
RESOURCENAME TYPE INTERVAL INCREASING DESCRIPTION
cs Boolean () () (Compute server)
End Resource
`,
  'lsf.cluster.openlava': `Begin ClusterAdmins
Administrators = root
End ClusterAdmins
Begin Host
HOSTNAME model type server r1m RESOURCES
${['login', 'c1', 'c2'].map(name => `${name} IntelI5 linux 1 - (cs)`).join('\n')}
End Host
Begin ResourceMap
RESOURCENAME LOCATION
End ResourceMap
`,
  'lsb.params': `Begin Parameters
DEFAULT_QUEUE = normal
MBD_SLEEP_TIME = 2
SBD_SLEEP_TIME = 2
JOB_ACCEPT_INTERVAL = 0
CLEAN_PERIOD = 3600
End Parameters
`,
  'lsb.hosts': `Begin Host
HOST_NAME MXJ JL/U r1m pg ls tmp DISPATCH_WINDOW
login 0 () () () () () ()
c1 8 () () () () () ()
c2 8 () () () () () ()
End Host
`,
  'lsb.queues': ['normal', 'short', 'stopped'].map(name => queue(name)).join('') + queue('private', 'USERS = bob\n'),
  'lsb.resources': '',
  'lsb.users': 'Begin User\nUSER_NAME MAX_JOBS JL/P\ndefault - -\nEnd User\n',
};

/** Programs of a login shell know LSF_ENVDIR; those of a command by SSH need to be told. */
const prepareServer = `for program in ${top}/bin/*; do
  printf '#!/bin/sh\\nexport LSF_ENVDIR=/etc\\nexec %s "$@"\\n' "$program" >"/usr/bin/\${program##*/}"
  chmod 755 "/usr/bin/\${program##*/}"
done
`;
const prepare = `mkdir -p /var/spool/openlava/logdir ${top}/etc; chmod 755 /var/spool/openlava\n`;

/** OpenLava, which speaks LSF's language, from a tree in which it is installed. */
export const realLsf: Site = {
  name: 'real-lsf',
  get tree() {
    return requiredTree('lsf');
  },
  ...{ profileName: standIn.profileName, profile: standIn.profile },

  async install({ login, nodes }) {
    await Promise.all(
      [login, ...nodes].map(async host => {
        await host.exec(['bash', '-ec', clear + prepare + (host === login ? prepareServer : '')], root);
        await writeFile(host, '/etc/lsf.conf', conf, { ...root, mode: 0o644 });
        for (const [name, text] of Object.entries(files))
          await writeFile(host, `${top}/etc/${name}`, text, { ...root, mode: 0o644 });
      }),
    );
  },

  async start(hosts, host) {
    if (host === hosts.login) return this.startController(hosts);
    await daemons(host);
    const isOk = async () => {
      const { stdout } = await hosts.login.exec(['timeout', '10', 'bhosts', host.name], { ...root, check: false });
      return /^\S+ +(ok|closed)/m.test(stdout);
    };
    await until(`${host.name} to be ok`, 120_000, isOk);
  },

  async startClient(host) {
    await host.exec([`${top}/sbin/lim`], root);
  },

  async stopController({ login }) {
    // sbatchd starts mbatchd again
    await stopDaemon(login, 'sbatchd');
    await stopDaemon(login, 'mbatchd');
  },

  async startController({ login }) {
    await daemons(login);
    const answers = async () =>
      (await login.exec(['timeout', '10', 'bqueues'], { ...root, check: false })).exitCode === 0;
    await until('mbatchd to answer', 120_000, answers);
    await login.exec(['badmin', 'qinact', 'stopped'], { ...root, check: false });
  },

  async jobs({ login }: SiteHosts) {
    const { stdout } = await login.exec(['timeout', '20', 'bjobs', '-noheader', '-w', '-u', 'all'], {
      ...root,
      check: false,
    });
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(line => `job ${line}`);
  },
};

const daemons = (host: Host) =>
  host.exec(
    [
      'sh',
      '-c',
      `for program in lim res sbatchd; do pgrep -x "$program" >/dev/null || LSF_ENVDIR=/etc ${top}/sbin/$program </dev/null >/dev/null 2>&1; done`,
    ],
    root,
  );
