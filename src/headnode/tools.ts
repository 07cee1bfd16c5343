import { ScailfinError } from '../errors.js';
import { keyValues, runScript } from '../hosts/script.js';
import type { ToolName, ToolSource } from '../sites/schema.js';
import { templateText } from '../templates.js';
import type { Headnode } from './component.js';
import { runDetached } from './detached.js';
import { architectures, type Pin, pins } from './pins.js';

/** Of the user's configuration: where programs come from instead of their publishers. */
export type OwnSources = Readonly<Partial<Record<ToolName, ToolSource | undefined>>>;

/** Absolute paths on the headnode. */
export type Tools<Name extends ToolName> = Readonly<Record<Name, string>>;

/** A download that takes longer has stalled, or is none for this headnode; milliseconds. */
const PATIENCE_MS = 30 * 60_000;
/** The largest of the pinned ones has 140 MB; KiB. */
const MOST_KIB = 2 * 2 ** 20;

/**
 * Programs on the headnode: the user's own choice, one that is there in a fitting version, or the pinned one, fetched below
 * `dir`/tools. An interrupted download is gone on with.
 * @throws ScailfinError when one can't be had, with the download's own words
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

/** The headnode's own, where it fits. */
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

/** Where a program is, or will be: the digest tells one from another. */
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
  throw new ScailfinError(`${name} can't be had on ${at.host.name} from ${source.from}: ${said}`, {
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

/** Exit statuses: tool-fetch.sh's own, and curl(1)'s and wget(1)'s of downloads. */
function hintOf(name: ToolName, status: number): string {
  if (status === 8)
    return `nothing of it was kept; correct tools.${name}.sha256 after checking it with who published the file`;
  if (status === 5) return 'install curl there';
  if (status === 10) return `it is no program of that kind; ${ownHint(name)}`;
  return `does it need a proxy? https_proxy in ~/.bashrc there is respected; or ${ownHint(name)}`;
}

const ownHint = (name: ToolName): string =>
  `name one: scailfin config set tools.${name} '{from: URL-OR-FILE-THERE, sha256: …}'`;
