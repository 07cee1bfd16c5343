import type { Host } from './host.js';
import type { HostSpec } from './layout.js';

/** Users' processes, and Slurm's keepers of their jobs; the daemons that run as root are the host's own. */
const processes = `ps -eo pid=,uid=,stat=,user=,args= |
  awk '$3 !~ /^Z/ && ($2 >= 1000 && $2 < 60000 || /slurmstepd/ && !/awk/) { $2 = $3 = ""; print "process " $0 }' | tr -s ' '`;
/** A user's own proxy is no cluster's; one that a login delegated (x509up_p…) goes with its connection. */
const temporary = `find /tmp /var/tmp /dev/shm -mindepth 1 -uid +999 -uid -60000 ! -name 'x509up_u*' -printf 'file %p of %u\\n'`;
const working = `find /home/*/.scailfin -printf 'file %p of %u\\n' 2>/dev/null | head -n 50`;

/** What users left on a host, a line each. Shared homes are told of by the login node only. */
export async function leftoversOf(host: Host, spec: HostSpec): Promise<string[]> {
  const parts = [processes, temporary, ...(spec.site && !spec.addresses.wan ? [] : [working])];
  const { stdout } = await host.exec(['sh', '-c', parts.join('\n')], { user: 'root', check: false });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(line => `${host.name}: ${line}`);
}
