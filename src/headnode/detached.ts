import { ScailfinError, TimeoutError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

/** Work on a headnode that takes minutes, and continues when the connection breaks or this process ends. */
export interface DetachedJob {
  /** Its directory on the headnode, absolute. A job that already runs there is followed, not started again. */
  readonly state: string;
  /** No secrets: every user of the headnode can read it. */
  readonly argv: readonly string[];
  /** The name for messages: `minikube start`. */
  readonly title: string;
  /** It is ended after this time, counted from this call. */
  readonly timeoutMs: number;
  /** Called for each line of its output, from the first line on. */
  readonly onLine: (line: string) => void;
}

export interface DetachedEnd {
  readonly exitCode: number;
  /** The last lines of its error output. */
  readonly stderr: string;
}

/** How long the headnode waits for new output before it answers; seconds. */
const PATIENCE = 10;

/**
 * Runs a job until its end, or follows the one that is running.
 * @throws TimeoutError after the job was ended, ScailfinError if it was killed, ConnectionError while it continues to run
 */
export async function runDetached(host: Host, job: DetachedJob): Promise<DetachedEnd> {
  await runScript(host, templateText('headnode/detach.sh'), [job.state, ...job.argv]);
  const until = Date.now() + job.timeoutMs;
  for (let offset = 0; ; ) {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) {
      await endDetached(host, job.state);
      throw new TimeoutError(
        `${job.title} did not end on ${host.name} in ${Math.round(job.timeoutMs / 60_000)} minutes`,
      );
    }
    const news = await follow(host, job.state, offset, Math.min(PATIENCE, left));
    for (const line of news.lines) job.onLine(line);
    offset += news.bytes;
    if (news.state === 'running' || news.bytes > 0) continue;
    if (news.state !== 'lost') return { exitCode: Number(news.state), stderr: news.stderr };
    throw new ScailfinError(`${job.title} was killed on ${host.name}${news.stderr ? `:\n${news.stderr}` : ''}`, {
      hint: 'run the same command again: it continues where it stopped',
    });
  }
}

/**
 * Ends the job in `state`, with its children. If nothing runs, that is a success. @throws ScailfinError if it survives
 */
export async function endDetached(host: Host, state: string): Promise<void> {
  const script = `${templateText('headnode/detached-end.sh')}\ndetached_end "$1"\n`;
  const out = await runScript(host, script, [state], { check: false });
  if (out.exitCode !== 0) throw new ScailfinError(`on ${host.name}: ${out.stderr.trim()}`);
}

interface News {
  /** `running`, `lost`, or an exit status. */
  readonly state: string;
  readonly stderr: string;
  readonly lines: readonly string[];
  readonly bytes: number;
}

async function follow(host: Host, state: string, offset: number, seconds: number): Promise<News> {
  const args = [state, String(offset), String(seconds)];
  const { stdout } = await runScript(host, templateText('headnode/follow.sh'), args, { timeoutMs: 60_000 });
  const cut = stdout.indexOf('\n\n');
  const head = stdout.slice(0, cut).split('\n');
  const of = (key: string): string[] => head.filter(l => l.startsWith(key)).map(l => l.slice(key.length));
  const rest = stdout.slice(cut + 2);
  const ended = of('state=')[0] ?? 'lost';
  // an incomplete line waits for its end in a later answer
  const isLast = ended !== 'running' && offset + Buffer.byteLength(rest) >= Number(of('size=')[0]);
  const whole = isLast ? rest : rest.slice(0, rest.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').filter(line => line !== '');
  return { state: ended, stderr: of('err=').join('\n').trim(), lines, bytes: Buffer.byteLength(whole) };
}
