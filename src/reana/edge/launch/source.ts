import { posix } from 'node:path';
import { HttpError } from '../http/errors.js';

/** What a URL names, and the name of a run that it is launched as (reana-server 0.9.4, `get_fetcher`). */
export type Source =
  | { readonly kind: 'git'; readonly url: URL; readonly ref?: string; readonly name: string }
  | { readonly kind: 'zip'; readonly url: URL; readonly name: string }
  /** A specification alone; `file` is its name. */
  | { readonly kind: 'file'; readonly url: URL; readonly file: string; readonly name: string };

/** The names under which a specification is looked for, in a repository or archive. */
export const specificationNames = ['reana.yaml', 'reana.yml'] as const;

const endings = ['.yaml', '.yml'];
const gitlabs = ['gitlab.com', 'gitlab.cern.ch'];

/**
 * @param specification the path of the specification in a repository or archive, if it has another name
 * @throws HttpError 400 for a URL that names none of these
 */
export function sourceOf(url: URL, specification: string | undefined): Source {
  if (specification !== undefined && !endings.includes(posix.extname(specification))) {
    throw new HttpError(400, "The provided specification doesn't have a valid file extension");
  }
  const path = pathOf(url);
  if (url.host === 'github.com') return onGithub(url, path);
  if (gitlabs.includes(url.host)) return onGitlab(url, path);
  const { dir, base, name, ext } = posix.parse(path);
  if (ext === '.git') return { kind: 'git', url, name: clean(name) };
  if (ext === '.zip') return { kind: 'zip', url, name: clean(name) };
  if (endings.includes(ext)) {
    if (specification !== undefined) {
      const text = "Cannot use the 'specification' argument when the URL points directly to a specification file";
      throw new HttpError(400, text);
    }
    const isUsual = (specificationNames as readonly string[]).includes(base);
    return { kind: 'file', url, file: base, name: (isUsual && clean(dir)) || clean(`${dir}-${name}`) };
  }
  throw new HttpError(400, 'Cannot handle given URL');
}

function pathOf(url: URL): string {
  try {
    return decodeURIComponent(url.pathname).replace(/\/+$/, '');
  } catch {
    throw new HttpError(400, 'Cannot handle given URL');
  }
}

/** A repository, its `.git`, one of its branches, tags and commits, or an archive of one. */
function onGithub(url: URL, path: string): Source {
  const match = /^\/(?<user>[^/]+)\/(?<repository>[^/]+?)(?:\.git|\/tree\/(?<ref>.+)|\/archive\/(?<zip>.+))?$/.exec(
    path,
  );
  const { user, repository = '', ref, zip } = match?.groups ?? {};
  if (user === undefined) throw new HttpError(400, 'The provided github.com URL is not valid');
  if (zip !== undefined) return { kind: 'zip', url, name: clean(`${repository}-${posix.parse(zip).name}`) };
  return repositoryAt(url, `${user}/${repository}`, repository, ref);
}

/** The same; groups may be in groups. */
function onGitlab(url: URL, path: string): Source {
  const match =
    /^\/(?<groups>.+?)\/(?<repository>[^/]+?)(?:\.git|\/-\/tree\/(?<ref>.+)|\/-\/archive\/(?<zip>.+))?$/.exec(path);
  const { groups, repository = '', ref, zip } = match?.groups ?? {};
  if (groups === undefined || groups.split('/').includes('-')) {
    throw new HttpError(400, `The provided ${url.hostname} URL is not valid`);
  }
  if (zip !== undefined) return { kind: 'zip', url, name: clean(posix.parse(zip).name) };
  return repositoryAt(url, `${groups}/${repository}`, repository, ref);
}

function repositoryAt({ origin }: URL, path: string, repository: string, ref: string | undefined): Source {
  const url = new URL(`${origin}/${path.split('/').map(encodeURIComponent).join('/')}.git`);
  if (ref === undefined) return { kind: 'git', url, name: clean(repository) };
  return { kind: 'git', url, ref, name: clean(`${repository}-${ref}`) };
}

/** A name that a run may have. */
const clean = (text: string): string =>
  text
    .replaceAll(/\W+/g, '-')
    .slice(0, 200)
    .replaceAll(/^-+|-+$/g, '');
