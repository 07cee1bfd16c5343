import { glob } from 'ssh-config';
import type { CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import constantsPart from 'ssh2/lib/protocol/constants.js';
import type { AlgorithmKind, AlgorithmWishes } from './sshconfig.js';

/** The lists of ssh2 1.17: what it can do with this Node.js, and what of it ssh2 offers by itself. */
type Lists = Readonly<
  Record<`${'DEFAULT' | 'SUPPORTED'}_${'KEX' | 'SERVER_HOST_KEY' | 'CIPHER' | 'MAC'}`, readonly string[]>
>;
const lists: Lists = constantsPart as Lists;

/** The signatures that `keys/signature.ts` makes with keys of users, and those of security keys by way of an agent. */
const signatures = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
].flatMap(name => [name, `${name.replace(/@openssh\.com$/, '')}-cert-v01@openssh.com`]);

const kinds: Readonly<Record<AlgorithmKind, { keyword: string; can: readonly string[]; usual: readonly string[] }>> = {
  kex: { keyword: 'KexAlgorithms', can: lists.SUPPORTED_KEX, usual: lists.DEFAULT_KEX },
  hostKeys: {
    keyword: 'HostKeyAlgorithms',
    // ssh-dss is too weak for every key of a host
    can: lists.SUPPORTED_SERVER_HOST_KEY.filter(name => name !== 'ssh-dss'),
    usual: lists.DEFAULT_SERVER_HOST_KEY,
  },
  signatures: { keyword: 'PubkeyAcceptedAlgorithms', can: signatures, usual: signatures },
  ciphers: { keyword: 'Ciphers', can: lists.SUPPORTED_CIPHER, usual: lists.DEFAULT_CIPHER },
  macs: { keyword: 'MACs', can: lists.SUPPORTED_MAC, usual: lists.DEFAULT_MAC },
};

/** What ssh2 shall offer; undefined: its own choice. */
export interface Offer {
  readonly kex: KexAlgorithm[] | undefined;
  readonly hostKeys: readonly ServerHostKeyAlgorithm[] | undefined;
  readonly signatures: readonly string[] | undefined;
  readonly ciphers: CipherAlgorithm[] | undefined;
  readonly macs: MacAlgorithm[] | undefined;
}

/** The part of the wishes that ssh2 can do, in the order of the configuration. */
export function offerOf(wishes: AlgorithmWishes): Offer {
  const list = (kind: AlgorithmKind): string[] | undefined => {
    const wish = wishes[kind];
    return wish === undefined ? undefined : resolve(wish, kinds[kind]);
  };
  return {
    kex: list('kex') as KexAlgorithm[] | undefined,
    hostKeys: list('hostKeys') as ServerHostKeyAlgorithm[] | undefined,
    signatures: list('signatures'),
    ciphers: list('ciphers') as CipherAlgorithm[] | undefined,
    macs: list('macs') as MacAlgorithm[] | undefined,
  };
}

/** A wish of which ssh2 can do nothing at all, as its keyword and value; undefined if there is none. */
export function wishBeyond(wishes: AlgorithmWishes): string | undefined {
  const offer = offerOf(wishes);
  const kind = (Object.keys(kinds) as AlgorithmKind[]).find(name => offer[name]?.length === 0);
  return kind && `${kinds[kind].keyword} ${wishes[kind]}`;
}

/** ssh_config(5), KexAlgorithms: `+` appends, `-` removes (with wildcards), `^` puts first, anything else replaces. */
function resolve(wish: string, { can, usual }: { can: readonly string[]; usual: readonly string[] }): string[] {
  const [, sign, text = ''] = /^([+^-]?)(.*)$/.exec(wish) ?? [];
  const patterns = text.split(',').map(name => name.trim());
  const named = patterns.flatMap(pattern => can.filter(name => glob(pattern, name)));
  const others = usual.filter(name => !named.includes(name));
  if (sign === '+') return unique([...usual, ...named]);
  if (sign === '-') return others;
  return unique(sign === '^' ? [...named, ...others] : named);
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];
