import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planSite } from '../../src/cluster/spec.js';
import { cvmfsOf } from '../../src/reana/cvmfs.js';
import { imagesOf } from '../../src/reana/images.js';
import { bindLines, mergedBinds, parseBind } from '../../src/sites/binds.js';
import { parseConfig } from '../../src/sites/config.js';
import { templateText } from '../../src/templates.js';
import { profileOf } from '../unit/profiles.js';

describe('the images that are pulled before a run', () => {
  it('are those of a serial workflow that are in a registry, each once', () => {
    const steps = [
      { environment: 'a:1' },
      { environment: '/x.sif' },
      { environment: '' },
      { environment: 'a:1' },
      {},
      null,
    ];
    expect(imagesOf({ workflow: { type: 'serial', specification: { steps } } })).toEqual(['a:1']);
    expect(() => imagesOf({ workflow: { type: 'cwl' } })).toThrow('are not known before it runs');
  });
});

describe('what steps see of a site', () => {
  it.each([
    ['/data', '/data', undefined, false],
    ['/data/:/in//x:ro', '/data', '/in/x', true],
    ['$SCRATCH', '$SCRATCH', undefined, false],
    [`$\{PROJECT}/raw:/raw`, `$\{PROJECT}/raw`, '/raw', false],
    ['/tmp/mine:/mine', '/tmp/mine', '/mine', false],
    ['/cvmfs:ro', '/cvmfs', undefined, true],
    ['/with blank', '/with blank', undefined, false],
  ])('%s', (text, source, target, readOnly) => {
    expect(parseBind(text)).toEqual({ source, target, readOnly });
  });

  it.each([
    ['data', 'must be an absolute path'],
    ['', 'is not SRC, SRC:DST'],
    ['ro', 'must be an absolute path'],
    ['/a:/b:/c', 'is not SRC, SRC:DST'],
    ['/a:rw', 'must be an absolute path without'],
    ['/a:$X', 'must be an absolute path without'],
    ['$(id)', 'must be an absolute path'],
    ['/a$b', 'must be an absolute path'],
    ['$HOME`id`', 'has a character'],
    ['/a,/b', 'has a character'],
    ['/a\n/b', 'has a character'],
    ['/a/../etc', 'must not contain'],
    ['/', 'belongs to the container itself'],
    ['/etc', 'belongs to the container itself'],
    ['/data:/etc/reana/secrets', 'belongs to the container itself'],
    ['/tmp/x', 'belongs to the container itself'],
    ['/data:/usr/', 'belongs to the container itself'],
  ])('not %j', (text, mistake) => {
    expect(parseBind(text)).toContain(mistake);
  });

  it('comes from the profile, the settings and the command line; the last one at a place counts', () => {
    const profile = { ...profileOf(''), binds: ['/a', '$SCRATCH:/s'] };
    const config = parseConfig(`sites: {${profile.name}: {binds: ['/b:/s:ro', '/c']}}`, 'config.yaml');
    expect(planSite({ bind: ['/a:ro'] }, profile, config).binds).toEqual(['/a:ro', '/b:/s:ro', '/c']);
    expect(planSite({}, { ...profile, binds: [] }, parseConfig('', 'x')).binds).toBeUndefined();
    expect(() => parseConfig('sites: {x: {binds: [y]}}', 'config.yaml')).toThrow('must be an absolute path');
    expect(bindLines(mergedBinds(['/a:ro', '$S/x:/s']))).toBe('ro\t/a\t\nrw\t$S/x\t/s');
  });

  it('has the values of the node’s variables, of which nothing is run', () => {
    const script = templateText('glidein/glidein.sh');
    const filled = /^ +filled\(\) \{\n[\s\S]*?^ {2}\}\n/m.exec(script)?.[0];
    const env = { PATH: process.env.PATH, SCRATCH: '/s/a b', EVIL: '$(touch /tmp/evil)`id`$SCRATCH' };
    const fill = (text: string): string =>
      execFileSync('bash', ['-c', `set -u; ${filled} filled "$1" || echo "status $?"`, 'bash', text], {
        env,
        encoding: 'utf8',
      });
    expect(fill('$SCRATCH/x')).toBe('/s/a b/x\n');
    expect(fill(`/p/$\{SCRATCH}$SCRATCH/$SCRATCH`)).toBe('/p//s/a b/s/a b//s/a b\n');
    expect(fill('$EVIL/x')).toBe('$(touch /tmp/evil)`id`$SCRATCH/x\n');
    expect(fill('$SCRATCH/$NOTHING/x')).toBe('NOTHING\nstatus 1\n');
  });

  it('may be repositories of CVMFS that a workflow names, and nothing else', () => {
    const asks = (cvmfs: unknown) => cvmfsOf({ workflow: { type: 'serial', resources: { cvmfs } } });
    expect(asks(['sft.cern.ch', 'atlas-condb.cern.ch'])).toEqual(['sft.cern.ch', 'atlas-condb.cern.ch']);
    expect(cvmfsOf({ workflow: { type: 'serial' } })).toEqual([]);
    for (const name of ['../etc', 'a/b.c', 'x', '', 7, '.hidden.x', 'a b.c'])
      expect(() => asks([name]), String(name)).toThrow('is not a repository of CVMFS');
  });
});
