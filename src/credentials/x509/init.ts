import type { Passphrases } from '../passphrases.js';
import { createProxy, type Made, makeKeys } from './create.js';
import { loadTrust } from './trust.js';
import { type IdentityFiles, loadIdentity } from './user.js';
import { requestAttributes } from './voms.js';
import type { VomsRequest } from './vomses.js';

export interface InitRequest {
  /** The user's certificate and key, if they are not in their usual places. */
  readonly files: IdentityFiles;
  readonly passphrases: Passphrases;
  /** Seconds. */
  readonly lifetime: number;
  /** Length of the proxy's RSA key. */
  readonly bits: number;
  readonly limited: boolean;
  /** VOs whose attributes it shall contain, in this order. */
  readonly voms: readonly VomsRequest[];
  /** Its future path. */
  readonly file: string;
}

/**
 * Makes a proxy from the user's certificate, with the attributes of VOs. Nothing is written.
 * @throws AuthError, CertificateError
 */
export async function initProxy(request: InitRequest): Promise<Made> {
  const { lifetime, limited, file } = request;
  // making the key takes a moment, and the user may type a passphrase meanwhile
  const making = makeKeys(request.bits);
  const own = await loadIdentity(request.files, request.passphrases);
  const attributes: Buffer[] = [];
  const notes: string[] = [];
  for (const wanted of request.voms) {
    const answer = await requestAttributes(wanted, own, { trust: loadTrust(), lifetime });
    attributes.push(answer.certificate);
    notes.push(...answer.warnings.map(words => `the VO ${wanted.vo} says: ${words}`));
  }
  const end = new Date(Date.now() + lifetime * 1000);
  const made = createProxy(own, await making, { end, limited, attributes }, file);
  return { proxy: made.proxy, notes: [...notes, ...made.notes] };
}
