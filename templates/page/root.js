/*
 * Histograms and graphs of ROOT as TBufferJSON writes them: TBufferJSON::ConvertToJSON, hist->SaveAs("x.json"). The
 * names of fields are those of ROOT's classes (https://root.cern/doc/master/classTH1.html and others).
 */

/** @typedef {{ title: string, edges: number[] }} Axis bins have one edge more than there are bins */
/** @typedef {{ kind: 'histogram', title: string, x: Axis, y: string, bins: number[], errors: number[] | undefined, entries: number }} Histogram */
/** @typedef {{ kind: 'map', title: string, x: Axis, y: Axis, cells: number[][], entries: number }} HeatMap `cells[y][x]` */
/** @typedef {{ kind: 'points', title: string, x: string, y: string, points: { x: number, y: number, low: number, high: number }[] }} Points */
/** @typedef {Histogram | HeatMap | Points} Drawable */

/** Drawings of one file, bins of an axis, and levels of objects in objects. */
const most = { drawings: 12, bins: 20_000, points: 20_000, depth: 8 };

/**
 * What can be drawn in a file: objects by themselves, in a canvas, in a list, or below names.
 * @param {unknown} value JSON @returns {Drawable[]}
 */
export function drawables(value) {
  /** @type {Drawable[]} */
  const found = [];
  /** @param {unknown} each @param {number} depth */
  const look = (each, depth) => {
    if (!isObject(each) || depth > most.depth || found.length >= most.drawings) return;
    const type = String(each._typename ?? '');
    const drawn = /^TH1[CSILFDK]$|^TProfile$/.test(type)
      ? histogram(each)
      : /^TH2[CSILFD]$/.test(type)
        ? heatMap(each)
        : /^TGraph(Errors|AsymmErrors)?$/.test(type)
          ? points(each)
          : undefined;
    if (drawn) return void found.push(drawn);
    const inside = Array.isArray(each)
      ? each
      : type === ''
        ? Object.values(each)
        : [each.fPrimitives, each.fHists, each.fGraphs, each.arr];
    for (const one of inside) look(one, depth + 1);
  };
  look(value, 0);
  return found;
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = value => typeof value === 'object' && value !== null;

/** @param {unknown} value */
const number = value => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
/** @param {unknown} value */
const text = value => (typeof value === 'string' ? value.slice(0, 200) : '');

/**
 * An array as it is, or with repetitions taken together: `{"$arr": "Float64", "len": 9, "p": 2, "v": [1, 2], "v1": 5, "n1": 3}`,
 * where p is a position, v values, and n how often a value is repeated.
 * @param {unknown} value @param {number} length @returns {number[]}
 */
export function numbers(value, length) {
  if (Array.isArray(value)) return value.slice(0, length).map(number);
  const all = Array.from({ length: Math.min(length, isObject(value) ? number(value.len) : 0) }, () => 0);
  if (!isObject(value) || !('$arr' in value)) return all;
  let place = 0;
  for (const [key, each] of Object.entries(value)) {
    if (/^p\d*$/.test(key)) place = Math.max(0, Math.floor(number(each)));
    if (!/^v\d*$/.test(key)) continue;
    const times = Array.isArray(each) ? 1 : Math.max(1, number(value[key.replace('v', 'n')] ?? 1));
    const values = Array.isArray(each) ? each : Array.from({ length: Math.min(times, all.length) }, () => each);
    for (const one of values) if (place < all.length) all[place++] = number(one);
  }
  return all;
}

/** @param {Record<string, any>} object */
const titleOf = object => text(object.fTitle).split(';')[0] || text(object.fName) || text(object._typename);

/** @param {unknown} value @returns {Axis | undefined} */
function axis(value) {
  if (!isObject(value)) return undefined;
  const bins = number(value.fNbins);
  const [low, high] = [number(value.fXmin), number(value.fXmax)];
  if (!Number.isInteger(bins) || bins < 1 || bins > most.bins || !(high > low)) return undefined;
  const own = numbers(value.fXbins, bins + 1);
  const isOwn = own.length === bins + 1 && own.every((edge, i) => i === 0 || edge > /** @type {number} */ (own[i - 1]));
  const edges = isOwn ? own : Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
  return { title: text(value.fTitle), edges };
}

/** @param {Record<string, any>} object @returns {Histogram | undefined} */
function histogram(object) {
  const x = axis(object.fXaxis);
  if (!x) return undefined;
  const count = x.edges.length - 1;
  // the first and the last number are what is below and above the axis
  const raw = numbers(object.fArray, count + 2).slice(1, -1);
  if (raw.length !== count) return undefined;
  const sums = numbers(object.fSumw2, count + 2).slice(1, -1);
  const isProfile = object._typename === 'TProfile';
  const weights = isProfile ? numbers(object.fBinEntries, count + 2).slice(1, -1) : [];
  const bins = isProfile ? raw.map((sum, i) => sum / (weights[i] || 1)) : raw;
  const errors = sums.length === count && !isProfile ? sums.map(sum => Math.sqrt(Math.max(0, sum))) : undefined;
  const told = { title: titleOf(object), y: text(object.fYaxis?.fTitle), entries: number(object.fEntries) };
  return { kind: 'histogram', x, bins, errors, ...told };
}

/** @param {Record<string, any>} object @returns {HeatMap | undefined} */
function heatMap(object) {
  const [x, y] = [axis(object.fXaxis), axis(object.fYaxis)];
  if (!x || !y) return undefined;
  const [columns, lines] = [x.edges.length - 1, y.edges.length - 1];
  if (columns * lines > most.bins) return undefined;
  const all = numbers(object.fArray, (columns + 2) * (lines + 2));
  if (all.length !== (columns + 2) * (lines + 2)) return undefined;
  const cells = Array.from({ length: lines }, (_, j) => {
    const from = (j + 1) * (columns + 2) + 1;
    return all.slice(from, from + columns);
  });
  return { kind: 'map', title: titleOf(object), x, y, cells, entries: number(object.fEntries) };
}

/** @param {Record<string, any>} object @returns {Points | undefined} */
function points(object) {
  const length = Math.min(number(object.fNpoints), most.points);
  const all = ['fX', 'fY', 'fEY', 'fEYlow', 'fEYhigh'].map(name => numbers(object[name], length));
  const [x = [], y = [], both = [], low = [], high = []] = all;
  if (length < 1 || x.length < length || y.length < length) return undefined;
  const [, xTitle = '', yTitle = ''] = text(object.fTitle).split(';');
  const list = x.map((at, i) => {
    const value = number(y[i]);
    return { x: at, y: value, low: value - number(low[i] ?? both[i]), high: value + number(high[i] ?? both[i]) };
  });
  const shown = isObject(object.fHistogram) ? object.fHistogram : {};
  const titles = { x: text(shown.fXaxis?.fTitle) || xTitle, y: text(shown.fYaxis?.fTitle) || yTitle };
  return { kind: 'points', title: titleOf(object), ...titles, points: list };
}
