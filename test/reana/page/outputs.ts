import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/** A picture of one colour. */
export function png(width: number, height: number, [r, g, b]: readonly [number, number, number]): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const line = Buffer.from([0, ...Array.from({ length: width }, () => [r, g, b]).flat()]);
  const data = deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

/** One page with one line of text. @param more entries of its catalogue */
export function pdf(text: string, more = ''): Buffer {
  const content = `BT /F1 32 Tf 72 700 Td (${text}) Tj ET`;
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R ${more} >>`,
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let body = '%PDF-1.4\n';
  const places = objects.map((object, i) => {
    const place = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`;
  const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
  return Buffer.from(body + table + end, 'latin1');
}

export const svg = (inside = ''): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><rect width="400" height="200" fill="#fff"/>${inside}
<path d="M20 180L120 60L220 120L380 20" fill="none" stroke="#0b66c3" stroke-width="3"/></svg>`;

const axis = (name: string, title: string, bins: number, low: number, high: number) => ({
  ...{ _typename: 'TAxis', fUniqueID: 0, fBits: 0, fName: name, fTitle: title, fNdivisions: 510 },
  ...{ fNbins: bins, fXmin: low, fXmax: high, fXbins: [], fFirst: 0, fLast: 0, fLabels: null, fModLabs: null },
});

/** A bell, as TBufferJSON writes a TH1F; its fields are those that a real one has, as far as they say what is drawn. */
export function th1(name: string, title: string, bins: number, shift = 0) {
  const at = (i: number): number => Math.round(2000 * Math.exp(-(((i - bins / 2 - shift) / (bins / 6)) ** 2)));
  const content = Array.from({ length: bins }, (_, i) => at(i));
  return {
    ...{ _typename: 'TH1F', fUniqueID: 0, fBits: 8, fName: name, fTitle: title, fNcells: bins + 2 },
    fXaxis: axis('xaxis', 'mass [GeV]', bins, 0, 10),
    fYaxis: axis('yaxis', 'events', 1, 0, 1),
    fZaxis: axis('zaxis', '', 1, 0, 1),
    ...{ fEntries: content.reduce((a, b) => a + b, 0), fMaximum: -1111, fMinimum: -1111 },
    fSumw2: [0, ...content, 0],
    fFunctions: { _typename: 'TList', name: 'TList', arr: [], opt: [] },
    fArray: [0, ...content, 0],
  };
}

export const th2 = (name: string, bins: number) => ({
  ...{ _typename: 'TH2D', fName: name, fTitle: 'correlation', fNcells: (bins + 2) ** 2 },
  fXaxis: axis('xaxis', 'x', bins, -3, 3),
  fYaxis: axis('yaxis', 'y', bins, -3, 3),
  ...{ fEntries: 10_000, fSumw2: [] },
  fArray: Array.from({ length: (bins + 2) ** 2 }, (_, i) => {
    const [x, y] = [(i % (bins + 2)) - bins / 2, Math.floor(i / (bins + 2)) - bins / 2];
    return Math.round(100 * Math.exp(-((x - y) ** 2) / bins - (x + y) ** 2 / (6 * bins)));
  }),
});

/** With repetitions taken together, as TBufferJSON does if it is asked to write less. */
export const graph = (name: string) => ({
  ...{ _typename: 'TGraphErrors', fName: name, fTitle: 'efficiency', fNpoints: 6 },
  fX: { $arr: 'Float64', len: 6, v: [10, 20, 30, 40, 50, 60] },
  fY: { $arr: 'Float64', len: 6, p: 1, v: [0.4, 0.7], v1: 0.9, n1: 3 },
  fEX: { $arr: 'Float64', len: 6 },
  fEY: { $arr: 'Float64', len: 6, v: 0.05, n: 6 },
});

export const csv = (lines: number): string =>
  `bin,"events, weighted",label\n${Array.from({ length: lines }, (_, i) => `${i},${i * 1.5},"a ""quoted"" ${i}"`).join('\n')}\n`;

/** Puts files into a run's workspace. @param dir the workspace */
export async function put(dir: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}
