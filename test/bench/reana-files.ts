import type { Lab } from '../lab/lab.js';
import { median } from './report.js';

/** One way to move a file. */
export interface Transfer {
  readonly what: string;
  /** MB/s, each time. */
  readonly rates: readonly number[];
  /** The edge's own memory at most meanwhile, in MiB; where it has a part in it. */
  readonly peakMib?: number | undefined;
}

const bytes = 1 << 30;
const work = '/home/scail/files';
const pid = '$(cat ~/.scailfin/lab-slurm/pool/edge/edge.pid)';

/** A file of 1 GB into a run's workspace and back, on the headnode itself, beside a copy there. The edge must run. */
export async function measureTransfers(lab: Lab, rounds: number): Promise<Transfer[]> {
  const here = async (command: string): Promise<string> =>
    (await lab.exec('headnode', ['bash', '-c', `set -e; ${command}`], { timeoutMs: 120_000 })).stdout.trim();
  await here(`mkdir -p ${work}; cd ${work}; head -c ${bytes} /dev/urandom >source
    token=$(cat ~/.local/state/scailfin/clusters/lab-slurm/reana.token)
    umask 077; printf 'header = "Authorization: Bearer %s"\\n' "$token" >curlrc`);
  const url = 'http://127.0.0.1:30443/api/workflows';
  const specification = '{"workflow": {"type": "serial", "specification": {"steps": [{"commands": ["true"]}]}}}';
  const json = "-H 'Content-Type: application/json'";
  const curl = `curl --silent --show-error --fail -K ${work}/curlrc`;
  await here(`${curl} ${json} -d '${specification}' '${url}?workflow_name=files'`);
  const upload = `-X POST -H 'Content-Type: application/octet-stream' -H Expect: -T ${work}/source -o ${work}/said`;
  const ways = [
    { what: 'cp', by: `cp ${work}/source ${work}/copy` },
    { what: 'upload', by: `${curl} ${upload} '${url}/files.1/workspace?file_name=source'`, byEdge: true },
    { what: 'download', by: `${curl} -o ${work}/copy '${url}/files.1/workspace/source'`, byEdge: true },
  ];
  const found = ways.map(({ what }) => ({ what, rates: [] as number[], peaks: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [n, { by, byEdge }] of ways.entries()) {
      await here(`rm -f ${work}/copy; sync${byEdge ? `; echo 5 >/proc/${pid}/clear_refs` : ''}`);
      const ns = Number(await here(`began=$(date +%s%N); ${by}; echo $(($(date +%s%N) - began))`));
      found[n]?.rates.push(bytes / (ns / 1000));
      if (byEdge) found[n]?.peaks.push(Number(await here(`awk '/^VmHWM/ { print $2 }' /proc/${pid}/status`)) / 1024);
    }
  }
  await here(`cmp ${work}/source ${work}/copy; rm -rf ${work}`);
  return found.map(({ what, rates, peaks }) => ({ what, rates, ...(peaks[0] ? { peakMib: Math.max(...peaks) } : {}) }));
}

/** Of a serial workflow of so many trivial steps, by `scailfin run` on the headnode: milliseconds for each step. */
export async function measureRun(lab: Lab, steps: number): Promise<number> {
  const commands = JSON.stringify(Array.from({ length: steps }, () => 'true'));
  const workflow = `workflow: {type: serial, specification: {steps: [{name: all, commands: ${commands}}]}}\n`;
  await lab.write('headnode', 'bench/reana.yaml', workflow);
  const times: number[] = [];
  for (const _ of [1, 2]) {
    const began = performance.now();
    await lab.exec('headnode', ['sh', '-c', 'cd bench && exec scailfin run'], { timeoutMs: 300_000 });
    times.push((performance.now() - began) / steps);
  }
  return median(times);
}
