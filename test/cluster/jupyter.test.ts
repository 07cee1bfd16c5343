// @module-tag nightly; each time: frameworks/jupyter/door, and cluster/dask for the rest
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerDask } from '../lab/dask.js';
import { Desk, offerJupyter } from '../lab/jupyter.js';
import { type HostName, Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

/** The first `up` installs JupyterLab. */
const slowly = { timeoutMs: 200_000 };
const reason = labUnavailable();
const name = 'lab-slurm';
const secrets = `/home/scail/.local/state/scailfin/clusters/${name}/jupyter.token`;
const home = `/home/scail/.scailfin/${name}/pool/workers/jupyter`;
/** A notebook as the browser saves it. */
const notebook = {
  type: 'notebook',
  content: {
    ...{ nbformat: 4, nbformat_minor: 5, metadata: {} },
    cells: [{ id: 'one', cell_type: 'code', source: '6 * 7', metadata: {}, outputs: [], execution_count: null }],
  },
};

describe.skipIf(reason !== undefined)(
  `JupyterLab${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 180_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    beforeAll(async () => {
      lab = await Lab.up();
      desk = new Desk(lab, 'headnode', name);
      await offerJupyter(lab, 'headnode');
    }, 180_000);
    afterAll(() => lab?.down(), 60_000);

    const as = (user: string, host: HostName, script: string) =>
      lab.exec(host, ['bash', '-c', script], { check: false, timeoutMs: 60_000, user });
    /** Names of files in the account's home directory at the site, but not what scailfin itself keeps there. */
    const files = async () => {
      const { stdout } = await as(
        'alice',
        'login',
        'cd && find . -type f ! -path "./.s*" ! -path "./.b*" ! -name .profile | sort',
      );
      return stdout.split('\n').filter(Boolean);
    };

    it('is installed and started with the cluster, and runs cells on a node', async () => {
      const options = ['--framework', 'jupyter', '--worker-cores', '2', '--worker-memory', '1500'];
      const up = await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options], slowly);
      expect(up.stderr).toContain('Starting JupyterLab: on a node, reached at port 38888');
      expect(up.stderr).toContain('notebooks are in ~ at the site, and stay there');
      expect(up.stdout).toContain(
        `open http://127.0.0.1:38888/ in your browser; it asks for the token, which is in\n  ${secrets}`,
      );
      await desk.until(120);
      expect((await statusOf(lab, 'headnode', name)).frameworks[0]?.parts).toEqual([
        { name: 'door', state: 'alive' },
        { name: 'wire', state: 'alive' },
        { name: 'server', state: 'alive', reason: 'on c1' },
      ]);
      const code =
        'import os, socket; print(sum(n * n for n in range(1000)), socket.gethostname(), os.getcwd(), os.environ["HOME"])';
      expect(await desk.cell(code.replaceAll('"', "'"))).toBe('332833500 c1 /home/alice /home/alice');
    });

    it("keeps notebooks in the account's home directory, and nothing else", async () => {
      expect(await desk.api('PUT', 'contents/work', { type: 'directory' })).toMatchObject({ path: 'work' });
      expect(await desk.api('PUT', 'contents/work/a.ipynb', notebook)).toMatchObject({ type: 'notebook' });
      const [first] = (await desk.api('GET', 'contents/work/a.ipynb/checkpoints')) as { id: string }[];
      const point = first ?? ((await desk.api('POST', 'contents/work/a.ipynb/checkpoints')) as { id: string });
      await desk.api('PUT', 'contents/work/a.ipynb', { ...notebook, content: { ...notebook.content, cells: [] } });
      await desk.api('POST', `contents/work/a.ipynb/checkpoints/${point.id}`);
      expect(await desk.api('GET', 'contents/work/a.ipynb')).toMatchObject({
        content: { cells: [{ source: '6 * 7' }] },
      });
      await desk.api('PUT', 'contents/gone.txt', { type: 'file', format: 'text', content: 'x' });
      await desk.api('DELETE', 'contents/gone.txt');
      expect(await desk.cell("open('/home/alice/result.txt', 'w').write('42')")).toBe('');
      expect(await files()).toEqual(['./result.txt', './work/a.ipynb']);
    });

    it('lets nobody in who has not the token, and no other user at all', async () => {
      const token = (await lab.read('headnode', secrets)).trim();
      const inner = (await lab.read('headnode', `${home}/tree/jupyter/token`)).trim();
      expect([token.length, inner.length]).toEqual([32, 64]);
      // with the token, the owner gets in, and another user of the headnode not even to the page
      const ask = (header: string) =>
        `curl -sS -m 10 -o /dev/null -w '%{http_code}' ${header} http://127.0.0.1:38888/api/kernels`;
      expect((await as('scail', 'headnode', ask(`-H 'Authorization: token ${token}'`))).stdout).toBe('200');
      expect((await as('scail', 'headnode', ask(`-H 'Authorization: token ${inner}'`))).stdout).toBe('403');
      expect((await as('bob', 'headnode', ask(`-H 'Authorization: token ${token}'`))).stdout).toBe('000');
      // on the node: every port of loopback, and Jupyter's socket
      const node = (user: string, script: string) => as(user, 'c1', script);
      const { stdout: sockets } = await node(
        'root',
        "ss -Hxl | awk '{ print $5 }' | grep scailfin | grep '/s$\\|-ipc-'",
      );
      const paths = sockets.trim().split('\n');
      expect(paths.filter(path => path.endsWith('/s'))).toHaveLength(1);
      expect(paths.filter(path => path.includes('-ipc-')).length).toBeGreaterThan(3);
      const call = (path: string) =>
        `curl -sS -m 10 -o /dev/null -w '%{http_code}' -H 'Authorization: token ${inner}' --unix-socket ${path} http://x/api`;
      const socket = paths.find(path => path.endsWith('/s')) ?? '';
      expect((await node('alice', call(socket))).stdout).toBe('200');
      expect((await node('bob', call(socket))).stdout).toBe('000');
      expect((await node('bob', `ls ${socket.replace(/\/s$/, '')}`)).stderr).toContain('Permission denied');
      const { stdout: ports } = await node(
        'root',
        "ss -Hltn | awk '{ print $4 }' | grep '^127' | sed 's/.*://' | sort -u",
      );
      expect(ports.trim().split('\n').length).toBeGreaterThan(2);
      const tried = ports
        .trim()
        .split('\n')
        .map(async port => {
          const { stdout } = await node('bob', `curl -sS -m 3 --http0.9 http://127.0.0.1:${port}/api | tr -d '\\0'`);
          // those of HTCondor, of the wire, and one of each kernel, for its own child processes: none of them says anything of use
          expect(stdout, port).not.toMatch(/HTTP|jupyter|kernel|[{[]/i);
        });
      await Promise.all(tried);
      // what others can see of the processes, and what is written down
      for (const host of ['headnode', 'c1', 'login'] as const) {
        const { stdout } = await as(
          'root',
          host,
          'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"',
        );
        const places = '/home/scail /home/alice /tmp /var/log';
        const { stdout: found } = await as(
          'root',
          host,
          `grep -rlFe ${token} -e ${inner} ${places} 2>/dev/null | xargs -r stat -c '%a %n'`,
        );
        expect(
          [token, inner].filter(secret => stdout.includes(secret)),
          host,
        ).toEqual([]);
        expect(
          found.split('\n').filter(line => line !== '' && !line.startsWith('600 ')),
          host,
        ).toEqual([]);
        if (host === 'headnode') expect(found).toContain(`600 ${secrets}`);
        else expect(found).not.toContain(token);
      }
      const { stdout: withToken } = await as('root', 'headnode', `grep -rlF ${token} /home /tmp /var/log`);
      expect(withToken.trim()).toBe(secrets);
    });

    it('is another size after a further up, under the same address and token', async () => {
      const up = await scailfin(lab, 'headnode', [
        'up',
        name,
        '--framework',
        'jupyter',
        '--worker-cores',
        '3',
        '--notebooks',
        '~/work',
      ]);
      expect(up.stderr).toContain('Starting JupyterLab');
      await desk.until(120);
      expect(await desk.cell("import os; print(os.environ['OMP_NUM_THREADS'], os.listdir('.'))")).toBe("3 ['a.ipynb']");
    });

    it('lets notebooks use Dask of the same cluster, once it has started again', async () => {
      await offerDask(lab, 'headnode');
      const up = ['up', name, '--framework', 'dask', '--workers', '1', '--worker-memory', '600'];
      expect((await scailfin(lab, 'headnode', up, slowly)).stderr).toContain(
        'Starting JupyterLab: on a node, reached at port 38888 of this machine; notebooks find Dask when it starts again: File, Shut Down',
      );
      // what runs goes on
      const look = "import os; print(os.environ.get('DASK_SCHEDULER_ADDRESS'))";
      expect(await desk.cell(look)).toBe('None');
      await desk.api('POST', 'shutdown');
      await expect.poll(() => desk.cell(look), { timeout: 90_000 }).toMatch(/^tls:/);
      const code =
        'from distributed import Client; c = Client(); print(c.submit(sum, range(10)).result(), os.getcwd())';
      expect(await desk.cell(`import os; ${code}`)).toBe('45 /home/alice/work');
      expect((await scailfin(lab, 'headnode', up, slowly)).stderr).not.toContain('Shut Down');
    });

    it('says which directory is missing', async () => {
      await scailfin(lab, 'headnode', ['up', name, '--framework', 'jupyter', '--notebooks', '$NOWHERE/work'], slowly);
      const server = async () =>
        (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts?.find(p => p.name === 'server');
      await expect.poll(server, { timeout: 60_000, interval: 1000 }).toMatchObject({
        state: 'dead',
        reason: expect.stringContaining(': a login on this node does not set $NOWHERE; name another'),
      });
    });

    it('leaves nothing behind but the notebooks', async () => {
      const down = await scailfin(lab, 'headnode', ['down', name]);
      expect(down.stdout).toContain(
        `${verified}.\nNotebooks, and all else that you saved, stay in $NOWHERE/work at the site.\n`,
      );
      expect(await files()).toEqual(['./result.txt', './work/a.ipynb']);
      await as('alice', 'login', 'cd && rm -r result.txt work');
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
      expect((await as('scail', 'headnode', `ls ${secrets}`)).stderr).toContain('No such file');
    });
  },
);
