"""Draws coloured text from standard input as an SVG picture, on standard output.

Every run of text is put at its column and stretched to its width, so that columns line up in any fixed-width font. Colours
follow the reader's light or dark scheme.
"""

import re
import sys
import unicodedata
from html import escape

WIDTH, HEIGHT, MARGIN = 8.4, 20, 16  # of a character, of a line, around all, in pixels

STYLE = """
  text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #d1d7e0 }
  rect { fill: #0d1117 }
  .bold { font-weight: 700; fill: #f0f6fc } .dim { fill: #8b949e }
  .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 } .cyan { fill: #76e3ea }
  @media (prefers-color-scheme: light) {
    text { fill: #24292f } rect { fill: #f6f8fa }
    .bold { fill: #1f2328 } .dim { fill: #6e7781 }
    .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #9a6700 } .cyan { fill: #1b7c83 }
  }
"""

CLASSES = {1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow", 36: "cyan"}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def runs(line):
    """Pieces of a line with the classes that hold for them: [("bold red", "+600"), ("", "  1,200")]."""
    classes, at = [], 0
    for escape_code in [*ESCAPE.finditer(line), None]:
        text = line[at : escape_code.start() if escape_code else len(line)]
        if text:
            yield " ".join(classes), text
        if escape_code is None:
            return
        at = escape_code.end()
        for code in map(int, filter(None, escape_code[1].split(";"))):
            if code in (0, 39):
                classes = []
            elif code in CLASSES:
                classes = [*classes, CLASSES[code]]
            else:
                sys.exit(f"svg.py: no class for the colour {code}")


def main():
    lines = [f"\x1b[2m$\x1b[0m {sys.argv[1]}", *sys.stdin.read().rstrip("\n").split("\n")]
    widest = max(columns(ESCAPE.sub("", line)) for line in lines)
    width, height = widest * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">'
    )
    print(f'<style>{STYLE}</style>\n<rect width="100%" height="100%" rx="8"/>')
    for row, line in enumerate(lines):
        print("<g>", end="")
        column = 0
        for classes, text in runs(line):
            taken = columns(text)
            style = f' class="{classes}"' if classes else ""
            print(
                f'<text x="{MARGIN + column * WIDTH:.1f}" y="{MARGIN + row * HEIGHT + 15}" '
                f'textLength="{taken * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"{style}>'
                f"{escape(text, quote=False)}</text>",
                end="",
            )
            column += taken
        print("</g>")
    print("</svg>")


main()
