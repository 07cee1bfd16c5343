import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../errors.js';
import { printable } from '../../printable.js';
import { commandLine } from '../../shell.js';
import type { SshTarget } from '../target.js';
import { configFor, type MovedConfig } from './moved.js';
import { type ConfigSource, homeOf } from './source.js';

/** The values of each keyword, in lower case, as `ssh -G` prints them. */
export type Answer = ReadonlyMap<string, readonly string[]>;

/** `Match exec` may run a slow command, and CanonicalizeHostname asks the name service; ms. */
const patienceMs = 15_000;
/** How long an answer is used again: a command asks for the same host several times; ms. */
const memoryMs = 30_000;
const mostBytes = 4 * 1024 * 1024;

/**
 * What a program of the system (`ssh`, `gsissh`) makes of the configuration for `target`: `ssh -G`, which OpenSSH has
 * since 6.8.
 * @returns undefined if there is no such program, or it has no `-G`
 * @throws UsageError if the program can't use the configuration, or gives no answer in time
 */
export function ask(program: string, target: SshTarget, source: ConfigSource): Answer | undefined {
  const key = JSON.stringify([
    program,
    target.host,
    target.user,
    target.port,
    source.configFile,
    ...surroundings(source),
  ]);
  return remembered(key, () => {
    if (defaultsOf(program, source) === undefined) return undefined;
    const config = configFor(source);
    try {
      return answerFor(program, target, source, config);
    } finally {
      config.remove?.();
    }
  });
}

/** What the same program says of an empty configuration. @returns undefined if it does not say anything like that */
export function defaultsOf(program: string, source: ConfigSource): Answer | undefined {
  return remembered(JSON.stringify([program, pathOf(source)]), () => {
    const { stdout } = run(program, ['-G', '-F', '/dev/null', '--', 'localhost'], source);
    const answer = read(stdout);
    // another SSH client of that name may print anything, or try to connect
    return answer.has('hostname') && answer.has('port') ? answer : undefined;
  });
}

function answerFor(
  program: string,
  { host, user, port }: SshTarget,
  source: ConfigSource,
  config: Partial<MovedConfig>,
): Answer {
  const how = [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)])];
  const argv = ['-G', ...(config.file === undefined ? [] : ['-F', config.file]), ...how, '--', host];
  // a copy of the configuration is gone when the user could read it
  const lasting = config.originals === undefined && config.file !== undefined ? ['-F', config.file] : [];
  const byHand = [...lasting, ...how, '--', host];
  let result = run(program, argv, source);
  // `Host *` often names the jump host for the jump host, too; there, it means none
  if (/jumphost loop/i.test(result.stderr)) result = run(program, ['-o', 'ProxyJump=none', ...argv], source);
  if (result.late) {
    throw new UsageError(
      `${program} did not say in ${(source.patienceMs ?? patienceMs) / 1000} s what its configuration means for ${host}: a command of Match exec may hang, or the name service`,
      { hint: `to see where it stops: ${commandLine([program, '-v', '-G', ...byHand])}` },
    );
  }
  const answer = read(result.stdout);
  if (result.status === 0 && answer.has('hostname') && answer.has('port')) return answer;
  const said = printable(result.stderr)
    .split('\n')
    .filter(line => line.trim() !== '' && !/^Pseudo-terminal|: terminating, \d+ bad/.test(line));
  const lines = said.slice(-5).join('\n  ') || `it ended with ${result.status ?? 'a signal'}`;
  throw new UsageError(`${program} can't use its configuration for ${host}: ${withOriginals(lines, config)}`, {
    hint: `correct that, then try: ${commandLine([program, '-G', ...byHand])}`,
  });
}

/** A copy's path means nothing to the user. */
function withOriginals(text: string, { originals }: Partial<MovedConfig>): string {
  return [...(originals ?? [])].reverse().reduce((said, [copy, file]) => said.replaceAll(copy, file), text);
}

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly late: boolean;
}

/** The program has no terminal, and a session of its own: what it started ends with it. */
function run(program: string, argv: readonly string[], source: ConfigSource): Result {
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    env: { ...(source.env ?? process.env), PATH: pathOf(source) },
    timeout: source.patienceMs ?? patienceMs,
    maxBuffer: mostBytes,
    encoding: 'utf8' as const,
    // spawnSync passes it on, though its types do not have it
    detached: true,
  };
  const { pid, stdout, stderr, status, error } = spawnSync(program, argv, options);
  const late = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  if (error !== undefined && pid > 0) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // all of it has ended
    }
  }
  return { stdout: stdout ?? '', stderr: stderr ?? '', status, late };
}

const pathOf = ({ env = process.env }: ConfigSource): string => env.PATH ?? process.env.PATH ?? '';

function read(text: string): Answer {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, keyword, value] = /^([A-Za-z]\w*) (.*)$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    const name = keyword.toLowerCase();
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

/** What else decides the answer: the environment's part, and the state of the files that ssh begins with. */
function surroundings(source: ConfigSource): unknown[] {
  const home = homeOf(source.env ?? process.env);
  const files = [source.configFile ?? path.join(home, '.ssh', 'config'), '/etc/ssh/ssh_config'];
  const states = files.map(file => {
    const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
    return stat && [stat.ino, stat.size, stat.mtimeNs].map(String);
  });
  return [home, pathOf(source), states];
}

const memory = new Map<string, { readonly until: number; readonly answer: Answer | undefined }>();

function remembered(key: string, find: () => Answer | undefined): Answer | undefined {
  const now = performance.now();
  const old = memory.get(key);
  if (old !== undefined && old.until > now) return old.answer;
  const answer = find();
  memory.set(key, { until: now + memoryMs, answer });
  return answer;
}
