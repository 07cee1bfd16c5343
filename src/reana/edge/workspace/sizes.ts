/** A size in the form of REANA's answers. */
export interface Size {
  /** Bytes. */
  readonly raw: number;
  readonly human_readable: string;
}

const units = ['Bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function sizeOf(bytes: number): Size {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  // as REANA rounds: two digits, without zeros at the end
  const value = Number((bytes / 1024 ** power).toFixed(2));
  return { raw: bytes, human_readable: `${value} ${units[power]}` };
}
