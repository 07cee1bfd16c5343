import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { until } from './programs.js';
import { offer } from './wheels.js';

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const requirements = beside('../../templates/worker/jupyter/requirements.txt');

/** Lets pip on a lab's host, which has no network, find JupyterLab; there are also the client of WebSockets, and what runs a cell with it. */
export async function offerJupyter(lab: Lab, host: HostName): Promise<void> {
  await offer(lab, host, [requirements]);
  await lab.write(host, '/opt/cell.py', readFileSync(beside('../reana/sessions/cell.py')), {
    user: 'root',
    mode: 0o644,
  });
}

/** Somebody at a host of a lab, in front of a browser. */
export class Desk {
  constructor(
    private readonly lab: Lab,
    private readonly host: HostName,
    private readonly cluster: string,
  ) {}

  /** Runs a script that knows $U, where JupyterLab is, $T, the token, and $H, its own origin. */
  async bash(script: string): Promise<string> {
    const knows = `eval "$(scailfin env ${this.cluster} 2>/dev/null)"; U=\${JUPYTER_URL%/} T=$JUPYTER_TOKEN P=\${U##*:}
      H=jupyter-$(printf 'origin %s' "$T" | sha256sum | cut -c 1-20).localhost:$P`;
    const options = { check: false, timeoutMs: 100_000 };
    const { stdout, stderr } = await this.lab.exec(this.host, ['bash', '-c', `${knows}\n${script}`], options);
    return `${stdout}${stderr}`.trim();
  }

  /** Asks Jupyter's API. @returns its answer, or what came in its place */
  async api(method: string, path: string, body?: unknown): Promise<unknown> {
    const data = body === undefined ? '' : `-d '${JSON.stringify(body)}'`;
    const said = await this.bash(`curl -sS -m 60 -X ${method} -H "Authorization: token $T" ${data} "$U/api/${path}"`);
    return said.startsWith('{') || said.startsWith('[') ? JSON.parse(said) : said;
  }

  /** Waits until Jupyter itself answers. */
  async until(seconds: number): Promise<void> {
    await until('Jupyter to answer', seconds * 1000, async () =>
      JSON.stringify(await this.api('GET', 'status')).includes('started'),
    );
  }

  /** Signs in at the page, goes where it leads, and prints what a cell prints in a new kernel. */
  cell(code: string): Promise<string> {
    return this.bash(`to=$(curl -sS -o /dev/null -w '%{redirect_url}' --data-urlencode "token=$T" "$U/")
      cookie=$(curl -sS -D - -o /dev/null -H "Host: $H" -H 'Accept: text/html' "$U/\${to#*://*/}" | sed -n 's/^set-cookie: \\([^;]*\\).*/\\1/Ip')
      PYTHONPATH=$(ls /opt/wheels/websocket_client*.whl) python3 /opt/cell.py "$U" "$H" "$cookie" "${code}"`);
  }
}
