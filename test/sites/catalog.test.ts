import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProfileError, UsageError } from '../../src/errors.js';
import { activeSites, addSite, listSites, loadSite, userSites } from '../../src/sites/catalog.js';
import { describeList } from '../../src/sites/describe.js';
import { builtIn } from './builtin.js';
import { temporaryConfig } from './temp.js';

const config = temporaryConfig();
const profile = (name: string, title: string) => `# mine\nname: ${name}\ntitle: ${title}\nscheduler: {type: fork}\n`;

function put(file: string, text: string): string {
  const path = join(config(), file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe('the catalog', () => {
  it("prefers the user's profile over the built-in one, and a path over both", async () => {
    expect((await loadSite('local')).profile.title).toBe('This machine');
    const mine = put('sites/local.yaml', profile('local', 'Mine'));
    expect(await loadSite('local')).toMatchObject({ file: mine, profile: { title: 'Mine' } });
    const other = put('elsewhere/some.yaml', profile('local', 'Other'));
    expect((await loadSite(other)).profile.title).toBe('Other');
    expect((await listSites()).filter(s => s.name === 'local')).toMatchObject([{ origin: 'user', title: 'Mine' }]);
  });

  it('names what there is when a name is unknown', async () => {
    const error: unknown = await loadSite('bridgs').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toBe(
      `there is no site bridgs; did you mean bridges?\nsites: ${builtIn.join(', ')}`,
    );
    await expect(loadSite('./none.yaml')).rejects.toThrow(new UsageError('the file ./none.yaml does not exist'));
    await expect(loadSite(join(config(), '..'))).rejects.toThrow(ProfileError);
  });

  it('lists a broken file with its error, and goes on', async () => {
    const broken = put('sites/broken.yaml', 'name: broken\n');
    put('sites/README', 'no profile');
    const entries = await listSites();
    expect(entries.map(e => e.name)).toEqual([...builtIn, 'broken'].sort());
    expect(entries[4]).toEqual({
      name: 'broken',
      origin: 'user',
      file: broken,
      error: `${broken}:1:1: the key "title" is missing\n${broken}:1:1: the key "scheduler" is missing`,
    });
    expect(describeList(entries)).toContain(`${broken}:1:1: the key "title" is missing`);
    expect(await activeSites()).toEqual(builtIn.filter(name => name !== 'bluewaters'));
    await expect(loadSite('broken')).rejects.toThrow(ProfileError);
  });

  it('refuses a file that calls itself otherwise', async () => {
    put('sites/a.yaml', profile('b', 'B'));
    await expect(loadSite('a')).rejects.toThrow("the file is named a, but the profile's name is b");
  });

  it('adds a profile with its comments, and replaces one only by force', async () => {
    const file = put('new.yaml', profile('mine', 'One'));
    const added = await addSite(file);
    expect(added.file).toBe(join(userSites(), 'mine.yaml'));
    expect(readFileSync(added.file, 'utf8')).toBe(readFileSync(file, 'utf8'));
    writeFileSync(file, profile('mine', 'Two'));
    await expect(addSite(file)).rejects.toThrow(`${added.file} exists already`);
    expect((await loadSite('mine')).profile.title).toBe('One');
    await addSite(file, { force: true });
    expect((await loadSite('mine')).profile.title).toBe('Two');
  });

  it('adds nothing that is wrong', async () => {
    const file = put('new.yaml', 'name: mine\n');
    await expect(addSite(file)).rejects.toThrow(ProfileError);
    expect(existsSync(userSites())).toBe(false);
  });
});
