"""Lets Snakemake 7 run without a compiler, and with a Python later than 3.11."""

import io
import sys
import tokenize
import types


class Trie(dict):
    """Replaces datrie's class, which has no wheels; it is as fast for the few patterns of a workflow."""

    def __init__(self, alphabet):
        super().__init__()

    def iter_prefix_values(self, text):
        return (value for _, value in self.prefix_items(text))

    def prefix_items(self, text):
        beginnings = (text[:length] for length in range(len(text) + 1))
        return [(key, self[key]) for key in beginnings if key in self]


def whole_fstrings(text):
    """Tokens as in Python 3.11: an f-string is one token, not the many that PEP 701 makes of it."""
    lines = text.splitlines(keepends=True)
    depth, start = 0, None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.FSTRING_START:
            start = start if depth else token.start
            depth += 1
        if depth == 0:
            yield token
        if token.type == tokenize.FSTRING_END:
            depth -= 1
            if depth == 0:
                whole = between(lines, start, token.end)
                yield tokenize.TokenInfo(tokenize.STRING, whole, start, token.end, token.line)


def between(lines, start, end):
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])


sys.modules["datrie"] = types.SimpleNamespace(Trie=Trie)

from snakemake import parser  # noqa: E402

if hasattr(tokenize, "FSTRING_START"):
    _begin = parser.Snakefile.__init__

    def begin(self, *arguments, **named):
        _begin(self, *arguments, **named)
        self.tokens = whole_fstrings(self.file.read())

    parser.Snakefile.__init__ = begin
