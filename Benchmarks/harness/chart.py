"""The comparison as bars: an SVG that reads on light and on dark pages."""

import html

from .figures import median, number, programs
from .programs import PROGRAMS

WIDTH, LEFT, RIGHT = 860, 150, 90   # of the picture, of the names, of the figures behind the longest bar
BAR, GAP, HEAD = 14, 4, 26          # heights of a bar, between bars, of a row's title
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.unit, .figure { fill: #57606a }
.other { fill: #b7c0ca } .floor { fill: #dfe4e9 } .relevo { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .unit, .figure { fill: #9da7b3 }
  .other { fill: #57606a } .floor { fill: #343b44 } .relevo { fill: #58a6ff }
}"""


def picture(results):
    """Each row to a scale of its own: only bars of one row compare."""
    parts, y = [], 10
    for result in results:
        bars = [(key, median([point.headline for point in result.of(key)])) for key in programs([result])]
        if not bars:
            continue
        title, unit = html.escape(result.row.title), html.escape(result.row.kind.unit)
        parts.append(f'<text class="title" x="10" y="{y + 14}">{title}<tspan class="unit" font-weight="400"> · {unit}</tspan></text>')
        y += HEAD
        longest = max(value for _, value in bars) or 1
        for key, value in bars:
            length = max(1, (WIDTH - LEFT - RIGHT) * value / longest)
            middle = y + BAR - 3
            name = html.escape(PROGRAMS[key].title)
            colour = key if key in ("relevo", "floor") else "other"
            parts.append(f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{name}</text>'
                         f'<rect class="{colour}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
                         f'<text class="figure" x="{LEFT + length + 6:.1f}" y="{middle}">{number(value)}</text>')
            y += BAR + GAP
        y += 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
            f'aria-label="Relevo and its peers, less is better">\n<style>{STYLE}\n</style>\n' + "\n".join(parts) + "\n</svg>\n")
