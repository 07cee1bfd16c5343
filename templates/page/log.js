import { h, setText, visible } from './dom.js';
import { keepListening } from './edge.js';

/** Colours, titles and the like of terminals. No part of one can begin another, so that the time is linear. */
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u0018\u001a\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\-~]/g;

/** Of one line: nobody reads more, and drawing it would keep the page busy. */
const mostOfLine = 20_000;
/** Of what is kept of a log, in characters. */
const mostOfLog = 4_000_000;

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
  let length = 0;
  const clear = () => {
    line = document.createTextNode('');
    [rest, isEmpty, length] = ['', true, 0];
    parent.replaceChildren(line);
  };
  /** @param {string} text */
  const add = text => {
    if (text !== '') isEmpty = false;
    const lines = (rest + text).replaceAll('\r\n', '\n').split('\n');
    rest = (lines.pop() ?? '').slice(-mostOfLog);
    if (lines.length > 0) {
      const more = document.createTextNode(`${lines.map(plain).join('\n')}\n`);
      parent.insertBefore(more, line);
      length += more.length;
    }
    // a step may print for days; what is no longer here is in `reana-client logs`
    while (length > mostOfLog && parent.firstChild instanceof Text && parent.firstChild !== line) {
      length -= parent.firstChild.length;
      parent.firstChild.remove();
    }
    setText(line, plain(rest));
  };
  clear();
  return { add, clear, isEmpty: () => isEmpty };
}

/** @param {string} line */
function plain(line) {
  let end = line.length;
  while (line[end - 1] === '\r') end--;
  const last = line.slice(line.lastIndexOf('\r', end - 1) + 1, end).replaceAll(escapes, '');
  return visible(last.length > mostOfLine ? `${last.slice(0, mostOfLine)}… (${last.length - mostOfLine} more)` : last);
}
