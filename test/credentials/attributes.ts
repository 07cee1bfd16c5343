import type { Certificate } from '../../src/credentials/x509/certificate.js';
import {
  bitString,
  context,
  encode,
  integer,
  octetString,
  oid,
  sequence,
  set,
} from '../../src/credentials/x509/der.js';

/**
 * An attribute certificate of the form that VOMS servers issue, without a signature that holds.
 * @param named where the name of the holder's CA belongs; servers without the option `newformat` put the holder's own there
 */
export function attributeCertificate(holder: Certificate, fqans: readonly string[], named = holder.issuer): Buffer {
  const vo = (fqans[0] ?? '').split('/')[1] ?? '';
  const names = (name: Buffer) => sequence(encode(context(4), name));
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), encode(5));
  const when = (date: Date) => encode(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));
  const [start, end] = [new Date(Date.now() - 60_000), new Date(Date.now() + 12 * 3_600_000)];
  const authority = encode(context(0), encode(context(6, 'primitive'), Buffer.from(`${vo}://voms.example.org:15000`)));
  const values = sequence(...fqans.map(fqan => octetString(Buffer.from(fqan))));
  const info = sequence(
    integer(1),
    sequence(encode(context(0), names(named), encode(2, holder.serial))),
    encode(context(0), names(holder.issuer)),
    algorithm,
    integer(7),
    sequence(when(start), when(end)),
    sequence(sequence(oid('1.3.6.1.4.1.8005.100.100.4'), set(sequence(authority, values)))),
  );
  return sequence(info, algorithm, bitString(Buffer.alloc(256, 1)));
}
