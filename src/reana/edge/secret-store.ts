import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpError } from './http/errors.js';
import { ownerId } from './people/person.js';

export type SecretType = 'env' | 'file';

/** A secret as a client sends it; the value is in base64. */
export interface Secret {
  readonly type: SecretType;
  readonly value: string;
}

/** The secrets of everybody: those of a person reach only the steps of that person's runs. */
export class SecretStores {
  readonly #stores = new Map<string, Promise<SecretStore>>();

  /** @param dir the owner's secrets are in it @param others a directory with one for each other person */
  constructor(
    private readonly dir: string,
    private readonly others: string,
  ) {}

  /** @param person the id of a person: somebody else never chose it as a path */
  of(person: string): Promise<SecretStore> {
    const known = this.#stores.get(person) ?? this.#open(person);
    this.#stores.set(person, known);
    return known;
  }

  /** Removes the secrets of somebody whose access has ended. */
  async forget(person: string): Promise<void> {
    if (person === ownerId) return;
    this.#stores.delete(person);
    await rm(join(this.others, person), { recursive: true, force: true });
  }

  async #open(person: string): Promise<SecretStore> {
    const store = new SecretStore(person === ownerId ? this.dir : join(this.others, person));
    await store.open();
    return store;
  }
}

/**
 * A person's secrets: one file each, in one directory per type, readable only by the user. Steps find the secrets of type
 * `file` in `/etc/reana/secrets`, and those of type `env` in their environment.
 */
export class SecretStore {
  constructor(private readonly dir: string) {}

  async open(): Promise<void> {
    for (const type of types) {
      await mkdir(this.#dir(type), { recursive: true, mode: 0o700 });
      await chmod(this.#dir(type), 0o700);
    }
  }

  async list(): Promise<{ readonly name: string; readonly type: SecretType }[]> {
    const lists = types.map(async type => (await this.#names(type)).map(name => ({ name, type })));
    return (await Promise.all(lists)).flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Adds all of them or none. @throws HttpError 409 if such names exist already, 400 for an invalid secret */
  async add(secrets: Readonly<Record<string, unknown>>, overwrite: boolean): Promise<void> {
    const wanted = Object.entries(secrets).map(([name, secret]) => [name, checked(name, secret)] as const);
    const known = new Set((await this.list()).map(secret => secret.name));
    const twice = wanted.map(([name]) => name).filter(name => known.has(name));
    if (twice.length > 0 && !overwrite) {
      throw new HttpError(409, `The submitted secrets ${twice.join(', ')} already exist.`);
    }
    if (known.size + wanted.length > mostSecrets)
      throw new HttpError(413, `There can be ${mostSecrets} secrets at most.`);
    for (const [name, { type, value }] of wanted) {
      // made beside the directories, so that a step never finds an incomplete secret
      const part = join(this.dir, 'part');
      await writeFile(part, Buffer.from(value, 'base64'), { mode: 0o600 });
      await rename(part, join(this.#dir(type), name));
      await rm(join(this.#dir(type === 'env' ? 'file' : 'env'), name), { force: true });
    }
  }

  /** Deletes all of them or none. @returns the names that are missing, if any */
  async delete(names: readonly string[]): Promise<string[]> {
    const known = new Map((await this.list()).map(({ name, type }) => [name, type]));
    const missing = names.filter(name => !known.has(name));
    if (missing.length > 0) return missing;
    for (const name of names) await rm(join(this.#dir(known.get(name) as SecretType), name), { force: true });
    return [];
  }

  /** For steps: their environment, and the directory of files, if there are any. */
  async forSteps(): Promise<{ readonly environment: Record<string, string>; readonly dir: string | undefined }> {
    const names = await this.#names('env');
    const read = async (name: string): Promise<(readonly [string, string])[]> => {
      try {
        return [[name, await readFile(join(this.#dir('env'), name), 'utf8')]];
      } catch (error) {
        // it was deleted meanwhile
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    };
    const values = await Promise.all(names.map(read));
    const files = await this.#names('file');
    return {
      environment: Object.fromEntries(values.flat()),
      dir: files.length > 0 ? this.#dir('file') : undefined,
    };
  }

  #dir(type: SecretType): string {
    return join(this.dir, type);
  }

  #names(type: SecretType): Promise<string[]> {
    return readdir(this.#dir(type));
  }
}

const types = ['env', 'file'] as const;
/** Largest number of secrets; each has at most the size of a request. They are sent with every step. */
const mostSecrets = 200;

function checked(name: string, secret: unknown): Secret {
  const { type, value } = (secret ?? {}) as Partial<Secret>;
  const named = type === 'env' ? /^[A-Za-z_][A-Za-z0-9_]*$/ : /^(?!\.{1,2}$)[^/\0\n]{1,200}$/;
  if (type !== 'env' && type !== 'file') throw new HttpError(400, `Secret ${name} is neither of type env nor file.`);
  if (!named.test(name)) throw new HttpError(400, `${JSON.stringify(name)} can't be the name of a secret (${type}).`);
  if (typeof value !== 'string') throw new HttpError(400, `Secret ${name} has no value.`);
  return { type, value };
}
