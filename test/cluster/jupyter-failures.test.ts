// @module-tag nightly; each time: frameworks/jupyter/door
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk, offerJupyter } from '../lab/jupyter.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

/** The first `up` installs JupyterLab. */
const slowly = { timeoutMs: 200_000 };
const reason = labUnavailable();
const name = 'lab-slurm';
const pool = `/home/scail/.scailfin/${name}/pool`;

describe.skipIf(reason !== undefined)(
  `JupyterLab when something dies${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    beforeAll(async () => {
      lab = await Lab.up();
      desk = new Desk(lab, 'headnode', name);
      await offerJupyter(lab, 'headnode');
      const options = ['--framework', 'jupyter', '--worker-cores', '2', '--worker-memory', '1500'];
      await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '2', ...options], slowly);
      await desk.until(120);
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    const server = async () =>
      (await statusOf(lab, 'headnode', name)).frameworks[0]?.parts?.find(part => part.name === 'server');
    /** What a browser that was let in sees at JupyterLab's own origin: its status, and when it asks again. */
    const visit = (cookie: string) =>
      desk.bash(
        `curl -sS -m 30 -o /dev/null -D - -H "Host: $H" -H 'Accept: text/html' -H "Cookie: ${cookie}" "$U/lab" | tr -d '\\r' | grep -i '^HTTP\\|^refresh'`,
      );
    const cookie = () =>
      desk.bash(`to=$(curl -sS -o /dev/null -w '%{redirect_url}' --data-urlencode "token=$T" "$U/")
        curl -sS -D - -o /dev/null -H "Host: $H" -H 'Accept: text/html' "$U/\${to#*://*/}" | sed -n 's/^set-cookie: \\([^;]*\\).*/\\1/Ip'`);

    it('goes on when the door or the wire is killed', async () => {
      const known = await cookie();
      expect(known).toMatch(/^scailfin-jupyter=\S{43}$/);
      for (const file of [`${pool}/workers/jupyter/manager.pid`, `${pool}/wire/wire.pid`]) {
        const before = await lab.read('headnode', file);
        await lab.exec('headnode', ['kill', '-KILL', before.trim()]);
        await until('another one', 60_000, async () => (await lab.read('headnode', file)) !== before);
        await until('the page', 60_000, async () => (await visit(known)) === 'HTTP/1.1 200 OK');
      }
    });

    it('runs on another node after its node died, under the same address, and shows what was saved', async () => {
      const known = await cookie();
      await desk.api('PUT', 'contents/kept.txt', { type: 'file', format: 'text', content: 'saved before' });
      const dead = (await server())?.reason?.replace('on ', '') as 'c1' | 'c2';
      const other = dead === 'c1' ? 'c2' : 'c1';
      await lab.reboot(dead);
      await until('the page that says so', 120_000, async () =>
        /^HTTP\/1.1 503 Service Unavailable\nRefresh: 3$/.test(await visit(known)),
      );
      await until('the page', 180_000, async () => (await visit(known)) === 'HTTP/1.1 200 OK');
      expect(await server()).toEqual({ name: 'server', state: 'alive', reason: `on ${other}` });
      expect(await desk.api('GET', 'contents/kept.txt')).toMatchObject({ content: 'saved before' });
      expect(await desk.cell('import socket; print(2 ** 64, socket.gethostname())')).toBe(
        `18446744073709551616 ${other}`,
      );
      await lab.exec(dead, ['sh', '-c', 'rm -rf /tmp/scailfin-*'], { user: 'root' });
    });

    it('leaves nothing behind but the files', async () => {
      const down = await scailfin(lab, 'headnode', ['down', name]);
      expect(down.stdout).toContain('Verified: no batch job');
      await lab.exec('login', ['rm', 'kept.txt'], { user: 'alice' });
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    });
  },
);
