import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clone } from '../../src/reana/edge/launch/git.js';
import { sourceOf } from '../../src/reana/edge/launch/source.js';
import { until } from '../lab/programs.js';
import { Ground, specification } from './launch/ground.js';
import { link, zipped } from './launch/zipped.js';

describe('a URL', () => {
  const of = (url: string, file?: string) => {
    const { url: at, ...rest } = sourceOf(new URL(url), file);
    return { at: at.href, ...rest };
  };

  it.each([
    ['https://github.com/reanahub/reana-demo', 'https://github.com/reanahub/reana-demo.git', undefined, 'reana-demo'],
    [
      'https://github.com/reanahub/reana-demo.git',
      'https://github.com/reanahub/reana-demo.git',
      undefined,
      'reana-demo',
    ],
    ['https://github.com/me/a.b/tree/feature/x', 'https://github.com/me/a.b.git', 'feature/x', 'a-b-feature-x'],
    ['https://gitlab.cern.ch/g/h/repo', 'https://gitlab.cern.ch/g/h/repo.git', undefined, 'repo'],
    ['https://gitlab.com/g/h/repo/-/tree/v1.0/', 'https://gitlab.com/g/h/repo.git', 'v1.0', 'repo-v1-0'],
    ['https://git.example.org/a/b.git', 'https://git.example.org/a/b.git', undefined, 'b'],
  ])('%s names a repository', (url, at, ref, name) => {
    expect(of(url)).toEqual({ kind: 'git', at, ...(ref === undefined ? {} : { ref }), name });
  });

  it.each([
    ['https://github.com/me/repo/archive/refs/tags/v1.zip', 'repo-v1'],
    ['https://gitlab.com/g/repo/-/archive/main/repo-main.zip', 'repo-main'],
    ['https://example.org/files/my%20analysis.zip', 'my-analysis'],
  ])('%s names an archive', (url, name) => {
    expect(of(url)).toEqual({ kind: 'zip', at: url, name });
  });

  it.each([
    ['https://example.org/analyses/one/reana.yaml', 'reana.yaml', 'analyses-one'],
    ['https://example.org/one/reana-cwl.yml', 'reana-cwl.yml', 'one-reana-cwl'],
    ['https://example.org/reana.yaml', 'reana.yaml', 'reana'],
  ])('%s names a specification', (url, file, name) => {
    expect(of(url)).toEqual({ kind: 'file', at: url, file, name });
  });

  it.each([
    ['https://github.com/me', undefined, 'The provided github.com URL is not valid'],
    ['https://github.com/me/repo/issues/1', undefined, 'The provided github.com URL is not valid'],
    ['https://gitlab.com/g/repo/-/issues', undefined, 'The provided gitlab.com URL is not valid'],
    ['https://example.org/', undefined, 'Cannot handle given URL'],
    ['https://example.org/a.tar.gz', undefined, 'Cannot handle given URL'],
    ['https://example.org/%ff.zip', undefined, 'Cannot handle given URL'],
    ['https://example.org/a.git', 'a.txt', "The provided specification doesn't have a valid file extension"],
    ['https://example.org/reana.yaml', 'b.yaml', "Cannot use the 'specification' argument"],
  ])('%s with %s is refused', (url, file, why) => {
    expect(() => of(url, file)).toThrow(why);
  });
});

describe('a launch', () => {
  let ground: Ground;
  let repository: string;
  const done = (run = ''): Promise<boolean> =>
    until(`${run} to end`, 60_000, async () => (await ground.edge.status(run)) === 'finished');

  beforeAll(async () => {
    ground = await Ground.open();
    repository = await ground.repository('analysis', {
      'reana.yaml': specification({ files: ['data/names.txt', 'again.txt'], directories: ['code'] }),
      'other/reana-two.yaml': specification({ files: ['data/names.txt'] }),
      'data/names.txt': 'Ada\n',
      'again.txt': { link: 'data/names.txt' },
      'code/run.sh': '#!/bin/sh\n',
      'code/deep/up.txt': { link: '../../data/names.txt' },
      'unused.txt': 'unused\n',
    });
  });
  afterAll(() => ground?.close());

  it('runs what a repository has, with its inputs alone', async () => {
    const answer = await ground.launch({ url: repository, parameters: '{"greeting": "Bye"}' });
    expect(answer).toMatchObject({
      status: 200,
      message: 'The workflow has been successfully submitted.',
      workflow_name: 'analysis.1',
    });
    const run = answer.workflow_id ?? '';
    await done(run);
    const files = ['again.txt', 'code/deep/up.txt', 'code/run.sh', 'data/names.txt', 'out'];
    expect(await ground.files(run)).toEqual(files);
    for (const file of ['again.txt', 'code/deep/up.txt']) expect(await ground.read(run, file)).toBe('Ada\n');
    expect(await ground.read(run, 'out')).toMatch(/^Bye\n/);
    const { items } = await ground.edge.json('GET', '/api/workflows?workflow_id_or_name=analysis');
    expect(items[0]).toMatchObject({ name: 'analysis.1', launcher_url: repository });
    expect(await ground.left()).toEqual([]);
  });

  it('takes another name, and another specification, whose inputs are relative to the top', async () => {
    const { workflow_name = '' } = await ground.launch({
      ...{ url: repository, name: 'my own', specification: 'other/reana-two.yaml' },
    });
    expect(workflow_name).toBe('myown.1');
    await done(workflow_name);
    expect(await ground.files(workflow_name)).toEqual(['data/names.txt', 'out']);
  });

  it('takes a branch, a tag or a commit', async () => {
    const first = await ground.git(join(ground.dir, 'work/analysis'), 'rev-parse', 'HEAD');
    await ground.repository('versions', { 'version.txt': 'main' });
    const work = join(ground.dir, 'work/versions');
    await ground.git(work, 'checkout', '-q', '-b', 'feature/x');
    await ground.commit('versions', { 'version.txt': 'feature' });
    await ground.git(work, 'tag', 'v1.0');
    await ground.commit('versions', { 'version.txt': 'later' });
    await ground.git(work, 'push', '-q', '--all', join(ground.dir, 'versions.git'));
    await ground.git(work, 'push', '-q', '--tags', join(ground.dir, 'versions.git'));
    const commit = await ground.git(work, 'rev-parse', 'v1.0');
    const url = new URL(ground.at('/git/versions.git'));
    const got = async (ref: string | undefined): Promise<string> => {
      const into = join(ground.dir, 'got', String(Math.random()));
      await clone(url, ref, join(into, 'tree'), into, ground.asking());
      return readFile(join(into, 'tree/version.txt'), 'utf8');
    };
    expect(await got(undefined)).toBe('main');
    for (const ref of ['v1.0', commit]) expect(await got(ref)).toBe('feature');
    expect(await got('feature/x')).toBe('later');
    for (const ref of ['missing', first]) {
      await expect(got(ref)).rejects.toThrow(`Cannot checkout the given Git reference "${ref}"`);
    }
  });

  it('takes an archive, also one with all in one directory, and a specification alone', async () => {
    const inner = specification({ files: ['a.txt', 'b.txt'] });
    const [a, b] = [
      { name: 'top/a.txt', content: 'A' },
      { name: 'top/b.txt', content: 'a.txt', mode: link },
    ];
    ground.web.serve('/one.zip', zipped([{ name: 'top/reana.yaml', content: inner }, a, b]));
    ground.web.serve(
      '/flat.zip',
      zipped([{ name: 'reana.yml', content: specification({ files: ['x/y'] }) }, { name: 'x/y' }]),
    );
    ground.web.serve('/sub/reana.yaml', specification());
    const one = await ground.launch({ url: ground.at('/one.zip') });
    expect(one).toMatchObject({ status: 200, workflow_name: 'one.1' });
    expect(await ground.read('one.1', 'b.txt')).toBe('A');
    expect(await ground.launch({ url: ground.at('/flat.zip') })).toMatchObject({
      status: 200,
      workflow_name: 'flat.1',
    });
    expect(await ground.launch({ url: ground.at('/sub/reana.yaml') })).toMatchObject({ workflow_name: 'sub.1' });
    for (const run of ['one.1', 'flat.1', 'sub.1']) await done(run);
  });

  it('follows redirects to servers that are allowed', async () => {
    ground.web.redirect('/moved.zip', '/one.zip');
    expect(await ground.launch({ url: ground.at('/moved.zip') })).toMatchObject({ workflow_name: 'moved.1' });
    ground.web.pages.set('/old.git/info/refs', (_, response) => {
      const Location = `${repository}/info/refs?service=git-upload-pack`;
      response.writeHead(301, { Location }).end();
    });
    expect(await ground.launch({ url: ground.at('/old.git') })).toMatchObject({ status: 200, workflow_name: 'old.1' });
  });

  it('is for each person as creating a run is: own runs, and no more than the quota', async () => {
    const bob = await ground.edge.add('bob');
    expect(await ground.launch({ url: repository }, bob)).toMatchObject({ status: 200, workflow_name: 'analysis.1' });
    const carol = await ground.edge.add('carol', { quota: 1000 });
    ground.web.serve(
      '/large.zip',
      zipped([
        { name: 'reana.yaml', content: specification() },
        { name: 'x', content: 'x'.repeat(2000) },
      ]),
    );
    expect(await ground.launch({ url: ground.at('/large.zip') }, carol)).toMatchObject({ status: 413 });
    expect((await ground.launch({ url: ground.at('/large.zip') }, ground.edge.as('nobody-at-all-0000'))).status).toBe(
      403,
    );
  });

  it.each([
    [{}, 400, 'it has no url'],
    [{ url: 7 }, 400, 'url is not a text'],
    [{ url: 'reana.yaml' }, 400, 'This is not a URL.'],
    [{ url: '/git/missing.git' }, 400, 'Cannot clone the Git repository /git/missing.git of git.example.org.'],
    [{ url: '/missing.zip' }, 400, 'Cannot find the given workflow specification'],
    [{ url: '/git/analysis.git', specification: 'no.yaml' }, 400, 'Cannot find the provided workflow specification'],
    [{ url: '/git/analysis.git', parameters: '{' }, 400, "'parameters' field is not valid JSON"],
    [{ url: '/git/analysis.git', parameters: '{"x": 1}' }, 400, 'Input parameter "x" is not present in reana.yaml'],
    [{ url: '/git/analysis.git', name: 'a.b' }, 400, 'illegal character'],
    [{ url: '/text.zip' }, 400, 'The provided zip file is not valid'],
    [{ url: '/none.zip' }, 400, 'Workflow specification was not found'],
    [{ url: '/two.zip' }, 400, 'Multiple workflow specifications found'],
    [{ url: '/lost.zip' }, 400, 'the input file lost.txt is not there'],
    [{ url: '/bad/reana.yaml' }, 400, /^reana\.yaml:\d+:\d+: /],
    [{ url: '/gone.yaml' }, 400, 'Cannot fetch the workflow specification: Gone (410)'],
  ])('of %j ends with %i and says why', async (body, status, why) => {
    const { web } = ground;
    web.serve('/text.zip', 'no archive');
    web.serve('/none.zip', zipped([{ name: 'README' }]));
    web.serve('/two.zip', zipped([{ name: 'reana.yaml' }, { name: 'reana.yml' }]));
    web.serve('/lost.zip', zipped([{ name: 'reana.yaml', content: specification({ files: ['lost.txt'] }) }]));
    web.serve('/bad/reana.yaml', 'workflow: 7\n');
    web.pages.set('/gone.yaml', (_, response) => void response.writeHead(410).end());
    const before = await ground.runs();
    const url = 'url' in body && String(body.url).startsWith('/') ? { url: ground.at(String(body.url)) } : {};
    const answer = await ground.launch({ ...body, ...url });
    expect(answer.status, answer.message).toBe(status);
    expect(answer.message).toMatch(why);
    expect(answer.message).not.toContain(ground.edge.dir);
    expect(await ground.runs()).toBe(before);
    expect(await ground.left()).toEqual([]);
  });

  it('says what is missing on a headnode without git, or with an old one', async () => {
    const bin = join(ground.dir, 'bin');
    await mkdir(bin);
    for (const name of ['sh', 'rm']) await symlink(`/bin/${name}`, join(bin, name));
    const { PATH } = process.env;
    process.env.PATH = bin;
    try {
      expect(await ground.launch({ url: repository })).toMatchObject({
        status: 501,
        message: expect.stringMatching(/headnode has no git.*Launch a \.zip archive/),
      });
      await writeFile(join(bin, 'git'), '#!/bin/sh\necho git version 2.20.1\n', { mode: 0o755 });
      expect((await ground.launch({ url: repository })).message).toContain('git 2.20, which is older than 2.29');
    } finally {
      process.env.PATH = PATH;
    }
  });
});
