"""Text from others, made safe for a message: the same as `inLine` in scailfin's src/printable.ts."""

import re
import unicodedata

BREAKS = re.compile("\r+\n?")
# from ECMA-48: control sequences such as colours, strings such as titles, short escapes; no part of one begins another
SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x80-\x9f\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-Z\\\\-~]"
)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# these have no shape, but Python counts them as printable
SHAPELESS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"


def in_line(text, most=500):
    """Return the text on one line of at most so many characters, without anything that controls a terminal."""
    # the part that is cut off is not looked at, however long it is
    looked_at = text[: 16 * most]
    line = CONTROLS.sub("", SEQUENCES.sub("", BREAKS.sub("\n", looked_at)))
    line = re.sub("[\n\t]+", " ", line)
    line = "".join(c if is_shown(c) else "\ufffd" for c in line)
    return line[:most] + "\u2026" if len(line) > most or len(text) > len(looked_at) else line


def is_shown(character):
    """Return whether a character is visible and reorders no others; unusual blanks count as visible."""
    return (character.isprintable() and character not in SHAPELESS) or unicodedata.category(character) in ("Zs", "Co", "Cn")
