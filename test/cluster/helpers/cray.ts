import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { gsiPort } from '../../lab/gsi.js';
import type { Lab } from '../../lab/lab.js';
import { loginLanAddress } from '../../lab/layout.js';
import { backstage } from '../../lab/slurm.js';
import { makeImage } from '../../reana/helpers/image.js';
import { standInsFor } from '../../reana/helpers/standins.js';

const root = { user: 'root' };
const image = '/opt/image';
const shipped = fileURLToPath(new URL('../../../sites/bluewaters.yaml', import.meta.url));
/** What the stand-in of Shifter leaves of its own. */
export const shifterFiles = /^c2: file \/tmp\/(pulls|shifter|volumes)\b/;

/**
 * aprun(1) of a Cray, on the MOM node c1: it takes a program to the compute node c2, with its environment and directory, and hands
 * TERM on to it. It takes what scailfin says to it, and no more.
 */
const aprun = `#!/bin/bash
set -f
order=
while getopts bn:d:N: option; do
  case $option in
    n) [ "$OPTARG" = 1 ] || { echo "apsched: claim exceeds reservation's node-count" >&2; exit 1; } ;;
    b) order=$HOME/.alps-$$ ;;
    '?') exit 1 ;;
  esac
done
shift $((OPTIND - 1))
[ -n "$order" ] || { echo 'aprun: file to be copied is a script: use -b' >&2; exit 1; }
umask 077
{ export -p; printf 'export ALPS_APP_PE=0 SCAILFIN_STAND_IN=aprun\\ncd %q || exit\\nexec' "$PWD"; printf ' %q' "$@"; echo; } >"$order"
on_node() { ssh -q -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i /etc/ssh/alps_$USER c2 "$@"; }
on_node /usr/sbin/apinit "$order" <&0 &
app=$!
trap 'on_node /usr/sbin/apinit TERM "$order" </dev/null' TERM INT
while wait "$app"; code=$?; kill -0 "$app" 2>/dev/null; do :; done
exit "$code"
`;

/**
 * ALPS's part on the compute node: it starts the program, and when that ends or its aprun is gone, it kills all that is left, in
 * whatever session: the node is the application's alone.
 */
const apinit = `#!/bin/bash
if [ "$1" = TERM ]; then kill -TERM -- "-$(cat "$2.app")"; exit; fi
order=$1 above=$PPID
setsid bash --norc "$order" <&0 &
app=$!
echo "$app" >"$order.app"
while kill -0 "$app" 2>/dev/null; do
  kill -0 "$above" 2>/dev/null || { kill -KILL -- "-$app"; break; }
  sleep 0.2
done
wait "$app"
code=$?
for n in 1 2 3; do
  for pid in $(pgrep -u "$(id -u)"); do
    case $pid:$(cat "/proc/$pid/comm" 2>/dev/null) in $$:* | *:sshd*) ;; *) kill -KILL "$pid" 2>/dev/null ;; esac
  done
done
rm -f "$order" "$order.app"
exit "$code"
`;

/** Environment modules, as far as `module load shifter` goes. */
const modulecmd = `#!/bin/sh
[ "$1 $2 $3" = 'sh load shifter' ] && echo 'PATH=/opt/cray/shifter/bin:$PATH; export PATH'
`;

const ssh = `mkdir -p /run/sshd && cat >/etc/ssh/alps.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
ListenAddress c2
AuthorizedKeysFile /etc/ssh/alps.pub
StrictModes no
UsePAM yes
MaxStartups 100
PerSourcePenalties no
END
test -f /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
/usr/sbin/sshd -f /etc/ssh/alps.conf`;

/** Torque, or Slurm behind its stand-in, starts no job on the compute node. */
const notOfTheBatchSystem = `if [ -x ${backstage}/scontrol ]; then
  ${backstage}/scontrol update nodename=c2 state=down reason='a compute node'
else pbsnodes -o c2; fi`;

/**
 * Makes the lab's Torque site a Cray like Blue Waters: c1 is the MOM node, where scripts of jobs run; only aprun reaches the compute
 * node c2, on which Shifter is, by a module. The laptop gets a profile `bluewaters`: the one that scailfin ships, with the lab's
 * machines, account and queue. It takes the place of the shipped one, whose machine is gone.
 */
export async function makeCray(lab: Lab): Promise<void> {
  const c2 = (path: string, content: string, mode = 0o755) => lab.write('c2', path, content, { ...root, mode });
  await lab.exec('login', ['sh', '-ec', notOfTheBatchSystem], root);
  await lab.exec('c1', ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/etc/ssh/alps_alice'], root);
  await lab.exec('c1', ['chown', 'alice', '/etc/ssh/alps_alice'], root);
  await c2('/etc/ssh/alps.pub', await lab.read('c1', '/etc/ssh/alps_alice.pub', root), 0o644);
  await c2('/usr/sbin/apinit', apinit);
  await lab.exec('c2', ['sh', '-ec', ssh], root);
  await lab.write('c1', '/usr/bin/aprun', aprun, { ...root, mode: 0o755 });
  await makeImage(lab, 'c2', image, 'root');
  const { shifter, shifterimg } = standInsFor(image);
  await c2('/opt/cray/shifter/bin/shifter', shifter);
  await c2('/opt/cray/shifter/bin/shifterimg', shifterimg);
  await c2('/opt/modules/default/bin/modulecmd', modulecmd);
  await lab.write('laptop', '.config/scailfin/sites/bluewaters.yaml', crayProfile());
}

/** What a user of the machine would have to change. */
function crayProfile(): string {
  const { status, retired, notes, ...profile } = parse(readFileSync(shipped, 'utf8'));
  profile.login.hosts = ['login'];
  profile.login.port = gsiPort;
  profile.login.delegate = true;
  profile.queues.normal = { ...profile.queues.normal, name: 'batch', walltime: '2d' };
  return stringify({
    ...profile,
    node: { cores: 8, memory: '16000M' },
    network: { outbound: true, loginAddress: loginLanAddress },
    headnode: 'scail@headnode',
    htcondor: { source: 'system' },
  });
}
