import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { messageOf, ProfileError, UsageError } from '../errors.js';
import { configDir, packageRoot } from '../paths.js';
import { didYouMean } from './closest.js';
import { parseProfile } from './profile.js';
import type { SiteProfile } from './schema.js';

export type Origin = 'built-in' | 'user';

/** One line of `sites list`; for a file that can't be used, only `error` and what is known without reading it. */
export interface SiteEntry {
  readonly name: string;
  readonly origin: Origin;
  readonly file: string;
  readonly title?: string;
  readonly status?: SiteProfile['status'];
  readonly scheduler?: SiteProfile['scheduler']['type'];
  readonly error?: string;
}

/** A profile together with the file it came from. */
export interface LoadedSite {
  readonly profile: SiteProfile;
  readonly file: string;
}

/** The directory of the user's own profiles; such a profile hides a built-in one of the same name. */
export const userSites = (): string => join(configDir(), 'sites');
const builtInSites = (): string => join(packageRoot, 'sites');

/**
 * Finds and reads a site profile.
 *
 * @param nameOrPath a path if it has a `/` or ends in .yaml or .yml; otherwise a name: first the user's profiles, then the built-in ones
 * @throws UsageError if there is none; it names the known sites
 * @throws ProfileError with all mistakes in the file
 */
export async function loadSite(nameOrPath: string): Promise<LoadedSite> {
  if (isPath(nameOrPath)) {
    const text = await readOptional(nameOrPath);
    if (text === undefined) throw new UsageError(`the file ${nameOrPath} does not exist`);
    return { profile: parseProfile(text, nameOrPath), file: nameOrPath };
  }
  for (const file of candidates(nameOrPath)) {
    const text = await readOptional(file);
    if (text !== undefined) return { profile: parseProfile(text, file, { name: nameOrPath }), file };
  }
  const names = (await siteFiles()).map(f => f.name);
  throw new UsageError(`there is no site ${nameOrPath}${didYouMean(nameOrPath, names)}\nsites: ${names.join(', ')}`, {
    hint: 'to list the sites: scailfin sites list; the path of a YAML file is also accepted',
  });
}

/** Whether `loadSite` would find a site by this name or path. */
export async function isSite(nameOrPath: string): Promise<boolean> {
  return isPath(nameOrPath) || (await siteFiles()).some(site => site.name === nameOrPath);
}

/** All sites by name, built-in and user's; a broken file is listed with its error. */
export async function listSites(): Promise<SiteEntry[]> {
  const files = await siteFiles();
  return Promise.all(
    files.map(async ({ name, file, origin }): Promise<SiteEntry> => {
      try {
        const { title, status, scheduler } = parseProfile(await readFile(file, 'utf8'), file, { name });
        return { name, origin, file, title, status, scheduler: scheduler.type };
      } catch (error) {
        return { name, origin, file, error: messageOf(error) };
      }
    }),
  );
}

/** Names of the sites where jobs can run. */
export async function activeSites(): Promise<string[]> {
  return (await listSites()).filter(site => site.status === 'active').map(site => site.name);
}

/**
 * Validates a profile and copies it, comments and all, to the user's sites.
 *
 * @returns the copy
 * @throws ProfileError if it has mistakes, UsageError if there is one with that name already and `force` is not set
 */
export async function addSite(file: string, options: { force?: boolean } = {}): Promise<LoadedSite> {
  const text = await readOptional(file);
  if (text === undefined) throw new UsageError(`the file ${file} does not exist`);
  const profile = parseProfile(text, file);
  const target = join(userSites(), `${profile.name}.yaml`);
  const taken = (
    await Promise.all(userFiles(profile.name).map(async f => ((await readOptional(f)) === undefined ? [] : [f])))
  ).flat();
  if (taken[0] !== undefined && !options.force) {
    throw new UsageError(`${taken[0]} exists already`, { hint: `scailfin sites add --force ${file} replaces it` });
  }
  await mkdir(userSites(), { recursive: true, mode: 0o700 });
  // NAME.yaml is found before NAME.yml, so the new profile is the one that is used
  await writeFileAtomic(target, text, { mode: 0o600 });
  return { profile, file: target };
}

/** Reads a profile file for `sites validate`. @throws UsageError, ProfileError */
export async function validateSite(file: string): Promise<LoadedSite> {
  return loadSite(isPath(file) ? file : `./${file}`);
}

function isPath(nameOrPath: string): boolean {
  return nameOrPath.includes('/') || /\.ya?ml$/i.test(nameOrPath);
}

function userFiles(name: string): string[] {
  return [join(userSites(), `${name}.yaml`), join(userSites(), `${name}.yml`)];
}

function candidates(name: string): string[] {
  return [...userFiles(name), join(builtInSites(), `${name}.yaml`)];
}

async function siteFiles(): Promise<{ name: string; file: string; origin: Origin }[]> {
  const found = new Map<string, { name: string; file: string; origin: Origin }>();
  const folders: [string, Origin][] = [
    [userSites(), 'user'],
    [builtInSites(), 'built-in'],
  ];
  for (const [folder, origin] of folders) {
    const names = (await readOptionalFolder(folder)).filter(f => /\.ya?ml$/.test(f)).sort();
    for (const fileName of names) {
      const name = basename(fileName, extname(fileName));
      if (!found.has(name)) found.set(name, { name, file: join(folder, fileName), origin });
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ProfileError(file, [{ file, line: 1, column: 1, message: `can't be read: ${messageOf(error)}` }]);
  }
}

async function readOptionalFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
