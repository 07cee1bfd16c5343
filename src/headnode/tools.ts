import { ScailfinError } from '../errors.js';
import { keyValues, runScript } from '../hosts/script.js';
import type { ToolName, ToolSource } from '../sites/values.js';
import { templateText } from '../templates.js';
import type { Headnode } from './component.js';
import { runDetached } from './detached.js';
import { architectures, type Pin, pins } from './pins.js';

/** From the user's configuration: sources of programs other than their publishers. */
export type OwnSources = Readonly<Partial<Record<ToolName, ToolSource | undefined>>>;

/** Absolute paths on the headnode. */
export type Tools<Name extends ToolName> = Readonly<Record<Name, string>>;

/** A download that takes longer hangs, or is too large for this headnode; milliseconds. */
const PATIENCE_MS = 30 * 60_000;
/** The largest of the pinned ones has 140 MB; KiB. */
const MOST_KIB = 2 * 2 ** 20;

/**
 * Programs on the headnode: from the user's configuration, or an installed one of a suitable version, or the pinned one,
 * fetched below `dir`/tools. An interrupted download is continued.
 * @throws ScailfinError if one can't be fetched, with the download's own error
 */
export async function provideTools<Name extends ToolName>(
  at: Headnode,
  names: readonly Name[],
  own: OwnSources = {},
  pinned: Readonly<Record<ToolName, Pin>> = pins,
): Promise<Tools<Name>> {
  const out = await runScript(at.host, templateText('headnode/tool-find.sh'), [at.dir, ...names]);
  const found = keyValues(out.stdout);
  const paths: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const there = own[name] ? undefined : installed(name, found, pinned[name]);
    paths[name] = there ?? (await place(at, name, own[name] ?? release(at, name, found, pinned[name]), found));
  }
  return paths as Tools<Name>;
}

/** The program installed on the headnode, if its version is suitable. */
function installed(name: ToolName, found: Map<string, string[]>, pin: Pin): string | undefined {
  const version = found.get(`${name}version`)?.[0];
  return version && pin.fits(version) ? found.get(`${name}path`)?.[0] : undefined;
}

function release(at: Headnode, name: ToolName, found: Map<string, string[]>, pin: Pin): ToolSource {
  const [system, machine] = [found.get('system')?.[0] ?? '', found.get('machine')?.[0] ?? ''];
  const architecture = architectures[machine];
  if (system === 'Linux' && architecture)
    return { from: pin.of[architecture].url, sha256: pin.of[architecture].sha256 };
  throw new ScailfinError(`there is no pinned ${name} for ${at.host.name} (${system} ${machine})`, {
    hint: ownHint(name),
  });
}

/** The path of a program on the headnode; it contains the digest. */
const placeOf = (dir: string, name: ToolName, sha256: string): string =>
  `${dir}/tools/${name}-${sha256.slice(0, 12)}/${name}`;

async function place(at: Headnode, name: ToolName, source: ToolSource, found: Map<string, string[]>): Promise<string> {
  const path = placeOf(at.dir, name, source.sha256);
  if (found.get(`${name}own`)?.includes(path)) return path;
  const argv = ['bash', '--norc', '-c', templateText('headnode/tool-fetch.sh'), 'tool-fetch'];
  const end = await runDetached(at.host, {
    state: `${at.dir}/tools/.fetch-${name}`,
    argv: [...argv, at.dir, name, source.from, source.sha256, String(MOST_KIB)],
    title: `fetching ${name}`,
    timeoutMs: PATIENCE_MS,
    onLine: line => at.onProgress(progress(name, line)),
  });
  if (end.exitCode === 0) return path;
  const said = end.stderr.split('\n').at(-1) ?? '';
  throw new ScailfinError(`${name} can't be fetched on ${at.host.name} from ${source.from}: ${said}`, {
    hint: hintOf(name, end.exitCode),
  });
}

/** `have=1 total=2`, in bytes; the total may be unknown. */
function progress(name: ToolName, line: string): string {
  const [, have, total] = /^have=(\d+) total=(\d*)$/.exec(line) ?? [];
  const mb = (bytes: string): string => String(Math.round(Number(bytes) / 1e6));
  if (!have) return name;
  return total
    ? `${name} ${Math.floor((100 * Number(have)) / Number(total))} % of ${mb(total)} MB`
    : `${name} ${mb(have)} MB`;
}

/** Exit statuses of tool-fetch.sh, and those of downloads by curl(1) and wget(1). */
function hintOf(name: ToolName, status: number): string {
  if (status === 8)
    return `the file was removed; check the digest with its publisher, then correct tools.${name}.sha256`;
  if (status === 5) return 'install curl there';
  if (status === 10) return `check that it is the right file; ${ownHint(name)}`;
  return `if the headnode needs a proxy, set https_proxy in ~/.bashrc there; or ${ownHint(name)}`;
}

const ownHint = (name: ToolName): string =>
  `name another source: scailfin config set tools.${name} '{from: URL-OR-FILE-THERE, sha256: …}'`;
