import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { describeSite } from '../../src/sites/describe.js';
import { defaultQueue } from '../../src/sites/limits.js';
import { parseProfile } from '../../src/sites/profile.js';

const folder = join(packageRoot, 'sites');
const files = readdirSync(folder).map(name => join(folder, name));
const read = (name: string) => parseProfile(readFileSync(join(folder, `${name}.yaml`), 'utf8'), name, { name });

describe('the sites that come with the package', () => {
  it('are these', () => {
    const names = files.map(f => basename(f, '.yaml'));
    expect(names).toEqual(['bluewaters', 'bridges', 'local', 'nersc', 'notredame', 'stampede']);
  });

  it.each(files)('%s parses, has sources and a default queue', file => {
    const profile = parseProfile(readFileSync(file, 'utf8'), file, { name: basename(file, '.yaml') });
    expect(profile.notes.length).toBeGreaterThan(0);
    for (const note of profile.notes) expect(note.source).toMatch(/^https:\/\//);
    if (Object.keys(profile.queues).length > 0) expect(defaultQueue(profile)).toBeDefined();
    const text = describeSite({ profile, file });
    for (const queue of Object.keys(profile.queues)) expect(text).toContain(queue);
  });

  it('carry what each machine is known for', () => {
    const bluewaters = read('bluewaters');
    expect(bluewaters.status).toBe('retired');
    expect(bluewaters.retired).toBe('2021-12-31');
    expect(bluewaters.scheduler).toMatchObject({ type: 'torque', directives: ['-l gres=shifter16'] });
    expect(bluewaters.launcher).toBe('aprun');
    expect(read('nersc').scheduler).toMatchObject({ type: 'slurm', queueOption: 'qos', directives: ['-C cpu'] });
    expect(read('nersc').node).toMatchObject({ cores: 128, memory: 512 * 1024 });
    expect(read('bridges').queues.EM).toMatchObject({ walltime: 5 * 86400, shared: true });
    expect(read('notredame').scheduler).toMatchObject({ type: 'sge', parallelEnvironment: 'smp' });
    expect(read('stampede').scheduler).toMatchObject({ type: 'slurm', memory: false });
    expect(read('stampede').containers).toEqual([{ runtime: 'apptainer', module: 'tacc-apptainer' }]);
    expect(read('local')).toMatchObject({ scheduler: { type: 'fork' }, account: 'none', headnode: 'local' });
    expect(read('local').login).toBeUndefined();
  });
});
