/** Asks an edge with one token. */
export class Asker {
  constructor(
    private readonly edge: { readonly url: string },
    readonly token: string,
  ) {}

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = `${this.edge.url}${path}${path.includes('?') ? '&' : '?'}access_token=${this.token}`;
    return fetch(url, init);
  }

  /** A JSON answer. @throws Error with the server's message where it is none of 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what tests are about
  async json(method: string, path: string, body?: unknown): Promise<any> {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const response = await this.fetch(path, { method, ...init });
    const answer = (await response.json()) as { message?: string };
    if (!response.ok) throw new Error(`${response.status}: ${answer.message}`);
    return answer;
  }

  async create(commands: readonly string[], name = 'analysis', more: object = {}): Promise<string> {
    const specification = { steps: [{ name: 'only', environment: 'python:3.12', commands }] };
    const workflow = { type: 'serial', specification };
    const { workflow_name } = await this.json('POST', `/api/workflows?workflow_name=${name}`, { workflow, ...more });
    return workflow_name;
  }

  /** Creates a run and starts it. @returns its id */
  async start(commands: readonly string[], name = 'analysis', more: object = {}): Promise<string> {
    const run = await this.create(commands, name, more);
    return (await this.json('POST', `/api/workflows/${run}/start`, {})).workflow_id;
  }

  upload(run: string, name: string, body: RequestInit['body']): Promise<Response> {
    return this.fetch(`/api/workflows/${run}/workspace?file_name=${encodeURIComponent(name)}`, {
      ...{ method: 'POST', body: body ?? null, headers: { 'Content-Type': 'application/octet-stream' } },
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit);
  }

  async status(run: string): Promise<string> {
    return (await this.json('GET', `/api/workflows/${run}/status`)).status;
  }
}
