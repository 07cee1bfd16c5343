// @module-tag nightly; each time: reana/edge-sessions, and reana/session-channel for the way to the node
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultImage } from '../../src/reana/edge/sessions/sessions.js';
import { prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { fetchedWheels } from '../lab/wheels.js';
import { scailfin } from './helpers/cluster.js';

const beside = (name: string): string => fileURLToPath(new URL(`../reana/sessions/${name}`, import.meta.url));
const reason = labUnavailable();
const pool = '~/.scailfin/lab-slurm/pool';

/** On a node: how many ports there are at which programs in containers listen, and who may enter the directory of Jupyter's socket. */
const watch = `
import os, glob
ports = set()
for pid in os.popen("pgrep -u alice python3").read().split():
    held = {os.readlink(fd) for fd in glob.glob(f"/proc/{pid}/fd/*") if os.path.islink(fd)}
    for line in open(f"/proc/{pid}/net/tcp").readlines()[1:] + open(f"/proc/{pid}/net/tcp6").readlines()[1:]:
        words = line.split()
        if words[3] == "0A" and f"socket:[{words[9]}]" in held: ports.add(words[1])
dirs = glob.glob("/tmp/scailfin-*/execute/dir_*/.scailfin/tmp/session-*")
print(len(ports), [oct(os.stat(d).st_mode & 0o777) for d in dirs], sorted(n for d in dirs for n in os.listdir(d) if n in ("s", "config.json")))
`;

describe.skipIf(reason !== undefined)(`interactive sessions in a pool${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    const list = beside('requirements.txt');
    const image = await prepareImage(undefined, list);
    const wheels = await fetchedWheels([list]);
    const client = readdirSync(wheels).find(name => name.startsWith('websocket_client')) ?? '';
    lab = await Lab.up();
    await lab.write('headnode', 'image.sif', readFileSync(image));
    // a wheel of Python alone can be used as it is
    await lab.write('headnode', 'ws.whl', readFileSync(join(wheels, client)));
    await lab.write('headnode', 'cell.py', readFileSync(beside('cell.py')));
    await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '1', '--framework', 'reana']);
    await scailfin(lab, 'headnode', ['images', 'add', 'image.sif', '--as', defaultImage]);
  }, 600_000);
  afterAll(() => lab?.down());

  const here = async (script: string): Promise<string> => {
    const knows = `U=$(scailfin env lab-slurm | sed -n "s/^export REANA_SERVER_URL=//p" | tr -d "'\\""); T=$(cat ~/.local/state/scailfin/clusters/lab-slurm/reana.token)`;
    const { stdout } = await lab.exec('headnode', ['bash', '-c', `${knows}; ${script}`], { timeoutMs: 100_000 });
    return stdout.trim();
  };
  const api = async (method: string, path: string, body?: unknown) => {
    const data = body === undefined ? '' : `-H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
    return JSON.parse(await here(`curl -sS -X ${method} -H "Authorization: Bearer $T" ${data} "$U${path}"`));
  };
  const status = async (): Promise<string> =>
    (await api('GET', '/api/workflows?type=interactive')).items[0]?.session_status ?? 'none';
  const create = async (name: string): Promise<string> => {
    const workflow = { type: 'serial', specification: { steps: [{ commands: ['true'] }] } };
    return (await api('POST', `/api/workflows?workflow_name=${name}`, { workflow })).workflow_id;
  };
  /** Opens the address as a browser does, and prints what a cell prints. */
  const cell = (run: string, code: string): Promise<string> =>
    here(`P=\${U##*:}; H=${run}.localhost:$P
      to=$(curl -sS -o /dev/null -w '%{redirect_url}' -H 'Accept: text/html' "$U/${run}?token=$T")
      cookie=$(curl -sS -D - -o /dev/null -H "Host: $H" -H 'Accept: text/html' "$U/\${to#*://*/}" | sed -n 's/^set-cookie: \\([^;]*\\).*/\\1/Ip')
      PYTHONPATH=ws.whl python3 cell.py "$U/${run}" "$H" "$cookie" "${code}" 2>&1`);

  it('run on a node that accepts no connection, and their files come back', async () => {
    const run = await create('notes');
    await here(`curl -sS -H "Authorization: Bearer $T" -H 'Content-Type: application/octet-stream' --data-binary 'from the run' \\
      "$U/api/workflows/notes.1/workspace?file_name=in.txt"`);
    expect(await api('POST', '/api/workflows/notes.1/open/jupyter', { image: null })).toEqual({ path: `/${run}` });
    await until('the session to run', 90_000, async () => (await status()) !== 'created');
    expect(await status()).toBe('running');
    const code =
      "import socket; print(open('in.txt').read(), socket.gethostname()); open('out.txt', 'w').write('from the kernel')";
    expect(await cell(run, code)).toBe('from the run c1');
    const { stdout } = await lab.exec('c1', ['python3', '-c', watch], { user: 'root' });
    // ipykernel has one port, for its own child processes: it takes nothing without a secret, and says nothing. With kernels on
    // TCP there would be six
    expect(stdout.trim()).toBe("1 ['0o700'] ['config.json', 's']");
    const known = await here(`grep -o '"token":"[^"]*"' ${pool}/edge/sessions.json | cut -d'"' -f4; echo "$T"`);
    const seen = await lab.exec('c1', ['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n"'], { user: 'root' });
    const there = await lab.exec('c1', ['sh', '-c', 'cat /proc/[0-9]*/environ | tr "\\0" "\\n"'], { user: 'root' });
    // what was written is in the run's files before the session ends
    const saved = () => here(`cat ${pool}/edge/workspaces/${run}/out.txt || :`);
    await until('it to be saved', 80_000, async () => (await saved()) === 'from the kernel');
    expect(known.split('\n')).toHaveLength(2);
    for (const secret of known.split('\n')) expect(seen.stdout + there.stdout).not.toContain(secret);
  }, 200_000);

  it('go on when the edge is killed', async () => {
    const { items } = await api('GET', '/api/workflows?type=interactive');
    const before = await here(`cat ${pool}/edge/edge.pid`);
    await here(`kill -9 ${before}`);
    await until('another edge', 60_000, async () =>
      (await here(`cat ${pool}/edge/edge.pid; curl -s "$U/api/ping" || :`)).includes('OK'),
    );
    await until('the session to run', 120_000, async () => (await status()) === 'running');
    expect(await cell(items[0].id, "print(open('out.txt').read())")).toBe('from the kernel');
  }, 200_000);

  it('bring their files when they are closed, and leave nothing on the node', async () => {
    const { items } = await api('GET', '/api/workflows?type=interactive');
    // what came and went since then is not in the files either
    await cell(items[0].id, "import os; os.remove('in.txt'); open('last.txt', 'w').write('written last')");
    await api('POST', '/api/workflows/notes.1/close/', {});
    await until('it to be gone', 60_000, async () => (await status()) === 'none');
    expect(await here(`cd ${pool}/edge/workspaces/*/ && ls && cat last.txt`)).toBe('last.txt\nout.txt\nwritten last');
    expect(await here(`cat ${pool}/edge/workspaces/*/out.txt; ls ${pool}/edge/steps`)).toBe(
      'from the kernelevents\njournal.jsonl',
    );
    const left = 'pgrep -u alice python3; ls -d /tmp/session-* /tmp/scailfin-*/execute/dir_* 2>/dev/null; true';
    const { stdout } = await lab.exec('c1', ['sh', '-c', left], { user: 'root' });
    expect(stdout).toBe('');
  });

  it('end with the cluster', async () => {
    await create('last');
    await api('POST', '/api/workflows/last.1/open/jupyter', {});
    await until('the session to run', 90_000, async () => (await status()) === 'running');
    const { stdout, stderr } = await scailfin(lab, 'headnode', ['down', 'lab-slurm']);
    expect(stdout + stderr).toContain('no batch job, process or file of it remains');
    const { stdout: left } = await lab.exec('c1', ['sh', '-c', 'pgrep -u alice . ; ls -A /tmp'], {
      user: 'root',
      check: false,
    });
    expect(left).toBe('');
  }, 200_000);
});
