import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf, ScailfinError, UsageError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { inLine } from '../printable.js';
import { stepEnvironment } from '../steps/environment.js';
import { parseReport, saidBy } from '../steps/report.js';
import { wrapperScript } from '../steps/wrapper.js';
import { templateText } from '../templates.js';
import { formatBytes } from '../units.js';
import { type Context, recordOf, siteDir } from './context.js';
import type { SiteRecord } from './record.js';

/** An image in the directory that all nodes of a site see. */
export interface SiteImage {
  readonly site: string;
  /** Its complete name: `docker.io/library/python:3.12`. */
  readonly name: string;
  readonly form: string;
  readonly bytes: number;
  /** When a step last used it, to an hour; seconds since 1970 by the site's clock. */
  readonly used: number;
}

/** A large image takes a while to fetch and to convert. Milliseconds. */
const PULL_MS = 3600_000;

/** The images of a cluster's sites. @throws UsageError if no site was reached yet */
export async function listImages(context: Context): Promise<SiteImage[]> {
  const images: SiteImage[] = [];
  for (const [site, values] of await atSites(context, () => ['list'])) {
    for (const line of values.get('image') ?? []) {
      const [name = '', form = '', bytes, used] = line.split(' ');
      images.push({ site, name: plain(name), form: inLine(form), bytes: Number(bytes), used: Number(used) });
    }
  }
  return images;
}

/**
 * Removes images by their names, or by the ends of these.
 * @returns the names of what was removed
 * @throws UsageError if no site has one of them
 */
export async function removeImages(context: Context, names: readonly string[]): Promise<string[]> {
  const answers = [...(await atSites(context, () => ['rm', ...names])).values()];
  const removed = answers.flatMap(values => (values.get('removed') ?? []).map(plain));
  const missing = names.filter(name => answers.every(values => values.get('missing')?.map(plain).includes(name)));
  if (missing.length > 0)
    throw new UsageError(`there is no image ${missing.map(name => inLine(name)).join(', ')}`, {
      hint: `to see what there is: scailfin images list ${context.journal.name}`,
    });
  return removed;
}

/**
 * Fetches an image for all nodes of the cluster's sites, on their login nodes.
 * @throws UsageError for what is in no registry; ScailfinError if a login node can't fetch it, with the reason
 */
export async function pullImage(context: Context, image: string): Promise<void> {
  await provide(context, image, 'pull', async () => ['pull']);
}

/**
 * Gives a file of this machine to all nodes of the cluster's sites: steps that ask for this image use it, and no registry.
 * @param file a SIF, the image format of Apptainer and Singularity
 * @throws UsageError if it is none
 */
export async function addImage(context: Context, image: string, file: string): Promise<void> {
  const bytes = sizeOfSif(file);
  await provide(context, image, 'take', async (place, host) => {
    const there = `${place}.sif`;
    const onBytes = (sent: number): void =>
      context.sink({
        type: 'progress',
        detail: `${Math.round((100 * sent) / bytes)} % of ${formatBytes(bytes)}`,
      });
    await host.upload(file, there, { mode: 0o600, onBytes });
    return ['add', there];
  });
}

/** Bytes. The header of a SIF has a line that starts it, and then this word (SIF specification, "global header"). */
function sizeOfSif(file: string): number {
  let start = '';
  let bytes = 0;
  try {
    const fd = openSync(file, 'r');
    try {
      const header = Buffer.alloc(64);
      start = header.subarray(0, readSync(fd, header, 0, 64, 0)).toString('latin1');
      bytes = fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`, {
      hint: 'give the path of a file on this machine: scailfin images add FILE --as NAME',
    });
  }
  if (!start.includes('SIF_MAGIC'))
    throw new UsageError(`${file} is no SIF, the image format of Apptainer`, {
      hint: 'to make one: apptainer build image.sif docker://NAME',
    });
  return bytes;
}

/**
 * @param verb what the login node can't do, in the words of an error
 * @param how the action of images.sh, and its further arguments; may put something beside the directory that it gets
 */
async function provide(
  context: Context,
  image: string,
  verb: string,
  how: (place: string, host: Host) => Promise<readonly [action: string, ...more: string[]]>,
): Promise<void> {
  if (image === '' || image.startsWith('/'))
    throw new UsageError(`${JSON.stringify(image)} is not an image in a registry`, {
      hint: 'give its name, such as docker.io/library/python:3.12',
    });
  const name = randomBytes(6).toString('hex');
  const step = { workspace: '/pull', name: 'pull', image, command: 'true', environment: {} };
  const env = await stepEnvironment(name, step);
  const answers = await atSites(context, async (dir, host) => {
    const place = `${dir}/pull-${name}`;
    const [action, ...more] = await how(place, host);
    await host.put([
      { path: `${place}/step.sh`, content: wrapperScript(), mode: 0o700 },
      { path: `${place}/step.env`, content: env, mode: 0o600 },
      { path: `${place}/manifest`, content: 'probe - -\n', mode: 0o600 },
    ]);
    return [action, place, ...more];
  });
  for (const [site, values] of answers) {
    if (values.get('status')?.[0] === '0') continue;
    const report = parseReport(Buffer.from(values.get('report')?.[0] ?? '', 'base64').toString());
    const said = saidBy(report, undefined) ?? 'it did not say why';
    throw new ScailfinError(`the login node of ${site} can't ${verb} ${inLine(image)}: ${said}`, {
      hint: 'the first step that needs the image tries to pull it on its node',
    });
  }
}

/**
 * Lets the nodes of the cluster's sites pull with a login at a registry, until `down`.
 * @param login `user:password`. Secret: it goes into a file that only the account can read.
 */
export async function giveLogin(context: Context, registry: string, login: string): Promise<void> {
  const content = `${Buffer.from(login).toString('base64')}\n`;
  await atSites(context, async (dir, host) => {
    await host.put([{ path: `${dir}/registries/${registry}`, content, mode: 0o600 }]);
    return ['list'];
  });
}

type Ask = (dir: string, host: Host) => string[] | Promise<string[]>;

async function atSites(context: Context, ask: Ask): Promise<Map<string, Map<string, string[]>>> {
  const record = recordOf(context);
  const reached = record.sites.filter((site): site is SiteRecord & Required<Pick<SiteRecord, 'facts'>> => !!site.facts);
  if (reached.length === 0)
    throw new UsageError(`${record.name} has no site yet`, { hint: `scailfin up ${record.name}` });
  const answers = new Map<string, Map<string, string[]>>();
  for (const { spec, facts } of reached) {
    const host = await context.connections.site(spec);
    const dir = siteDir(facts.base, record.name);
    const args = [dir, ...(await ask(dir, host))];
    const { stdout } = await runScript(host, templateText('site/images.sh'), args, { timeoutMs: PULL_MS });
    answers.set(spec.site, keyValues(stdout));
  }
  return answers;
}

const plain = (text: string): string => inLine(Buffer.from(text, 'base64').toString());
