import { h, setText } from './dom.js';
import { keepListening } from './edge.js';

/** Colours and the like of terminals. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
const escapes = /\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007]*\u0007|[@-Z\\-_])/g;

/** What a step prints; follows while its end is in sight. @param {string} step @param {string} label */
export function logView(step, label) {
  const text = h('pre', { class: 'log', tabindex: '0', role: 'region', 'aria-label': label });
  const status = h('span', { class: 'log-status', role: 'status' }, 'Connecting…');
  const follow = h('input', { type: 'checkbox', checked: true });
  const bar = h('div', { class: 'log-bar' }, h('h4', {}, 'Log'), status, h('label', {}, follow, 'Follow'));
  const element = h('div', { class: 'log-box' }, bar, text);
  const paper = linesIn(text);
  const closed = new AbortController();
  let isOver = false;

  const toEnd = () => {
    if (follow.checked) text.scrollTop = text.scrollHeight;
  };
  follow.addEventListener('change', toEnd);
  // who scrolls back wants to read there; who returns to the end wants to see it grow
  text.addEventListener('scroll', () => {
    follow.checked = text.scrollHeight - text.scrollTop - text.clientHeight < 24;
  });

  /** @param {string} name @param {any} data */
  const tell = (name, data) => {
    if (name === 'text') {
      const top = text.scrollTop;
      paper.clear();
      paper.add(data.text);
      text.scrollTop = top;
    }
    if (name === 'more') paper.add(data.text);
    if (name === 'end') isOver = true;
    setText(status, statusOf(isOver, paper.isEmpty()));
    toEnd();
  };
  /** @param {unknown} error */
  const broken = error =>
    setText(status, error ? `Connecting again… (${/** @type {Error} */ (error).message})` : 'Connecting again…');
  void keepListening(`/api/edge/steps/${step}/log`, closed.signal, { tell, broken, isOver: () => isOver });
  return { element, close: () => closed.abort() };
}

/** @param {boolean} isOver @param {boolean} isEmpty */
function statusOf(isOver, isEmpty) {
  if (isEmpty) return isOver ? 'It printed nothing' : 'Nothing printed yet';
  return isOver ? 'Complete' : 'Live';
}

/** Appends text as a terminal would: a carriage return begins the line anew. @param {HTMLElement} parent */
function linesIn(parent) {
  // the last line may still change; all before it are left alone
  let line = document.createTextNode('');
  let rest = '';
  let isEmpty = true;
  const clear = () => {
    line = document.createTextNode('');
    [rest, isEmpty] = ['', true];
    parent.replaceChildren(line);
  };
  /** @param {string} text */
  const add = text => {
    if (text !== '') isEmpty = false;
    const lines = (rest + text).replaceAll('\r\n', '\n').split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) parent.insertBefore(document.createTextNode(`${lines.map(plain).join('\n')}\n`), line);
    setText(line, plain(rest));
  };
  clear();
  return { add, clear, isEmpty: () => isEmpty };
}

/** @param {string} line */
const plain = line => line.replaceAll(escapes, '').replace(/\r+$/, '').replace(/^.*\r/, '');
