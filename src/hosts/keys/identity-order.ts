import { existsSync } from 'node:fs';
import type { Prompter } from '../../credentials/prompts.js';
import { type Certificate, parseCertificate, readCertificate } from '../../credentials/ssh/certificate.js';
import { keyType } from '../../credentials/ssh/publickey.js';
import { AuthError, messageOf } from '../../errors.js';
import { printable } from '../../printable.js';
import { quote } from '../../shell.js';
import type { SshSettings } from '../sshconfig.js';
import { Agent, type HeldKey } from './agent.js';
import type { Identity } from './identity.js';
import { type KeyFile, keyFile } from './keyfile.js';
import { sign } from './signature.js';

type Settings = Pick<
  SshSettings,
  'identityFiles' | 'identitiesNamed' | 'identitiesOnly' | 'certificateFiles' | 'agent'
>;
/** A function, called when its turn comes: a key that shows nothing without its passphrase has to ask for it first. */
export type Candidate = () => Promise<Identity>;

/** A key or certificate that the configuration names. */
interface Named {
  readonly label: string;
  readonly blob: Buffer | undefined;
  readonly certificate?: Certificate | undefined;
  readonly from: KeyFile | undefined;
}

/**
 * The keys and certificates to show a server, in the order of ssh (authentication part of ssh(1), CertificateFile in
 * ssh_config(5)): certificates from CertificateFile, keys that the agent holds and the configuration names, the agent's
 * other keys (unless IdentitiesOnly), and then the files, each followed by the certificate beside it.
 * @param note called with what can't be used, and why
 */
export async function planIdentities(
  settings: Settings,
  prompter: Prompter | undefined,
  note: (error: unknown) => void,
): Promise<Candidate[]> {
  const attempt = <T>(work: () => T | undefined): T[] => {
    try {
      const found = work();
      return found === undefined ? [] : [found];
    } catch (error) {
      note(error);
      return [];
    }
  };
  const files = settings.identityFiles.flatMap(file =>
    attempt(() => {
      const found = keyFile(file);
      if (found === undefined && settings.identitiesNamed) note(new AuthError(`the key file ${file} does not exist`));
      return found;
    }),
  );
  const chain = new Chain(files, await heldKeys(settings, note), settings.agent, prompter);
  const listed = settings.certificateFiles.flatMap(file => attempt(() => chain.listed(file)));
  const named = files.flatMap(file => [
    ...attempt(() => plain(file)),
    ...(settings.certificateFiles.length > 0 ? [] : attempt(() => beside(file))),
  ]);
  const isHeld = (one: Named): boolean => chain.held.some(key => one.blob?.equals(key.blob) === true);
  // if only the .pub of a default key exists, that is not an error
  const isWanted = (one: Named): boolean => settings.identitiesNamed || one.from?.open !== undefined;
  const [known, others] = [true, false].map(wanted =>
    chain.held.filter(key => named.some(one => one.blob?.equals(key.blob) === true) === wanted),
  ) as [HeldKey[], HeldKey[]];
  return [
    ...listed,
    ...known.map(key => chain.ofAgent(key)),
    ...(settings.identitiesOnly ? [] : others.map(key => chain.ofAgent(key))),
    ...named.filter(one => !isHeld(one) && isWanted(one)).flatMap(one => attempt(() => chain.ofFile(one))),
  ];
}

async function heldKeys({ agent }: Settings, note: (error: unknown) => void): Promise<HeldKey[]> {
  if (agent === undefined) return [];
  try {
    const held = await new Agent(agent).keys();
    if (held.length === 0) note(new AuthError('the agent holds no key'));
    return held;
  } catch (error) {
    note(new AuthError(messageOf(error)));
    return [];
  }
}

function plain(file: KeyFile): Named {
  const certificate = file.blob && parseCertificate(file.blob);
  const what = certificate ? 'certificate' : 'key';
  return { label: `${what} ${file.file}`, blob: file.blob, certificate: users(certificate, file.file), from: file };
}

/** The certificate that ssh finds by its name: KEY-cert.pub. @throws AuthError if it is not for this key */
function beside(file: KeyFile): Named | undefined {
  const name = `${file.file.replace(/\.pub$/, '')}-cert.pub`;
  if (!existsSync(name)) return undefined;
  const certificate = users(readCertificate(name), name);
  if (file.blob !== undefined && !certificate?.publicKey.equals(publicKeyIn(file.blob))) {
    throw new AuthError(`the certificate ${name} is not for the key ${file.file}`, {
      hint: `compare their fingerprints: ssh-keygen -Lf ${quote(name)}; ssh-keygen -lf ${quote(file.file)}`,
    });
  }
  return { label: `certificate ${name}`, blob: certificate?.blob, certificate, from: file };
}

/** @throws AuthError if it is the certificate of a host */
function users(certificate: Certificate | undefined, file: string): Certificate | undefined {
  if (certificate?.kind !== 'host') return certificate;
  throw new AuthError(`the certificate ${file} is for a host, not for users`, {
    hint: `ssh-keygen -Lf ${quote(file)}`,
  });
}

/** Finds the private half for what is shown: in the agent, or in a file. */
class Chain {
  constructor(
    private readonly files: readonly KeyFile[],
    readonly held: readonly HeldKey[],
    private readonly socket: string | undefined,
    private readonly prompter: Prompter | undefined,
  ) {}

  ofAgent(key: HeldKey): Candidate {
    const certificate = certificateIn(key.blob);
    const name = printable(key.comment) || keyType(key.blob);
    const label = `agent ${certificate ? 'certificate' : 'key'} ${name}`;
    return async () => ({ label, blob: key.blob, certificate, isAgents: true, sign: this.#byAgent(key) });
  }

  /** @throws AuthError if its private half is nowhere */
  ofFile({ label, blob, certificate, from }: Named): Candidate {
    const holder = blob && this.held.find(key => publicKeyIn(key.blob).equals(publicKeyIn(blob)));
    if (blob && holder) {
      return async () => ({ label, blob, certificate, isAgents: true, sign: this.#byAgent(holder) });
    }
    const file = from?.open ? from : this.files.find(f => f.open && blob && f.blob?.equals(publicKeyIn(blob)));
    if (file?.open === undefined) {
      const where = this.socket === undefined ? 'there is no SSH agent' : 'the SSH agent does not hold it';
      throw new AuthError(`the private key of ${label} is missing: ${where}`, {
        hint: 'name its file with IdentityFile',
      });
    }
    return async () => {
      const shown = blob ?? (await this.#open(file)).getPublicSSH();
      const signer = async (data: Buffer, algorithm: string): Promise<Buffer> => {
        const key = await this.#open(file);
        if (key.getPublicSSH().equals(publicKeyIn(shown))) return sign(key, data, algorithm);
        throw new AuthError(`the private key in ${file.file} does not belong to ${label}, or to its .pub file`, {
          hint: `compare: ssh-keygen -yf ${quote(file.file)}`,
        });
      };
      return { label, blob: shown, certificate, isAgents: false, sign: signer };
    };
  }

  /** A CertificateFile; its key may be any key that is named or that the agent holds. */
  listed(file: string): Candidate {
    const certificate = users(readCertificate(file), file);
    return this.ofFile({ label: `certificate ${file}`, blob: certificate?.blob, certificate, from: undefined });
  }

  #byAgent(key: HeldKey): Identity['sign'] {
    return (data, algorithm) => new Agent(this.socket as string).sign(key.blob, data, algorithm);
  }

  async #open(file: KeyFile) {
    return (file.open as NonNullable<KeyFile['open']>)(this.prompter);
  }
}

/** The plain public key in a blob that may be a certificate. */
function publicKeyIn(blob: Buffer): Buffer {
  return certificateIn(blob)?.publicKey ?? blob;
}

function certificateIn(blob: Buffer): Certificate | undefined {
  try {
    return parseCertificate(blob);
  } catch {
    return undefined;
  }
}
