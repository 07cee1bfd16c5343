import { h, setText, visible } from './dom.js';
import { keepListening } from './edge.js';

/**
 * Control sequences of terminals, such as colours and titles. No part of one can begin another, so matching takes linear
 * time.
 */
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these sequences consist of control characters
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u0018\u001a\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\-~]/g;

/** Limit of one line: nobody reads more, and drawing it would block the page. */
const mostOfLine = 20_000;
/** Limit of a log that is kept, in characters. */
const mostOfLog = 4_000_000;

/** The output of a step; it scrolls along while its end is visible. @param {string} step @param {string} label */
export function logView(step, label) {
  const text = h('pre', { class: 'log', tabindex: '0', role: 'region', 'aria-label': label });
  const status = h('span', { class: 'log-status', role: 'status' }, 'Connecting…');
  const follow = h('input', { type: 'checkbox', checked: true });
  const bar = h('div', { class: 'log-bar' }, h('h3', {}, 'Log'), status, h('label', {}, follow, 'Follow'));
  const element = h('div', { class: 'log-box' }, bar, text);
  const paper = linesIn(text);
  const closed = new AbortController();
  let isOver = false;

  const toEnd = () => {
    if (follow.checked) text.scrollTop = text.scrollHeight;
  };
  follow.addEventListener('change', toEnd);
  // a reader who scrolls back wants to read there; a reader at the end wants to see new lines
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
    setText(status, error ? `Reconnecting… (${/** @type {Error} */ (error).message})` : 'Reconnecting…');
  void keepListening(`/api/edge/steps/${step}/log`, closed.signal, { tell, broken, isOver: () => isOver });
  return { element, close: () => closed.abort() };
}

/** @param {boolean} isOver @param {boolean} isEmpty */
function statusOf(isOver, isEmpty) {
  if (isEmpty) return isOver ? 'No output' : 'No output yet';
  return isOver ? 'Complete' : 'Live';
}

/** Appends text as a terminal would: a carriage return starts the line again. @param {HTMLElement} parent */
function linesIn(parent) {
  // the last line may still change; the lines before it stay as they are
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
    // a step may print for days; the removed part is still in `reana-client logs`
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
