"""The comparison as bars: an SVG that reads on light and on dark pages."""

import html

from .figures import median, number, programs
from .programs import PROGRAMS

WIDTH, LEFT, RIGHT = 860, 130, 80   # of the picture, of the names, of the figures behind the longest bar
BAR, GAP, HEAD = 14, 4, 24          # heights of a bar, between bars, of a row's title
COMPARED = ("relevo", "floor", "nginx", "haproxy")
LONGEST = 2.5                       # a bar is cut at so many times the longest of those compared
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.light, .figure { fill: #57606a; font-weight: 400 }
.other { fill: #b7c0ca } .floor { fill: #dfe4e9 } .relevo { fill: #0969da }
.spread { stroke: #24292f; stroke-opacity: .6 } .cut { stroke: #ffffff; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .light, .figure { fill: #9da7b3 }
  .other { fill: #57606a } .floor { fill: #343b44 } .relevo { fill: #58a6ff }
  .spread { stroke: #e6edf3 } .cut { stroke: #0d1117 }
}"""


def picture(results):
    """Bars of medians with a line from the lowest to the highest round; each row has a scale of its own."""
    parts = [f'<text class="light" x="10" y="18">Less is better; only bars of one row compare. The thin line spans all rounds; '
             "a bar with a gap is longer than drawn.</text>"]
    y = 36
    for result in results:
        bars = [(key, [point.headline for point in result.of(key)]) for key in programs([result])]
        if len(bars) < 2:
            continue
        parts.append(f'<text class="title" x="10" y="{y + 12}">{html.escape(result.row.title)}'
                     f'<tspan class="light"> · {html.escape(result.row.kind.unit)}</tspan></text>')
        y += HEAD
        compared = [median(values) for key, values in bars if key in COMPARED]
        longest = max(median(values) for _, values in bars)
        if compared:
            longest = min(longest, LONGEST * max(compared))
        for key, values in bars:
            parts.append(bar(key, values, (WIDTH - LEFT - RIGHT) / (longest or 1), y))
            y += BAR + GAP
        y += 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
            f'aria-label="Relevo and its peers, less is better">\n<style>{STYLE}\n</style>\n' + "\n".join(parts) + "\n</svg>\n")


def bar(key, values, scale, y):
    """One bar with its name, its spread and its figure."""
    most = WIDTH - LEFT - RIGHT
    value, middle = median(values), y + BAR / 2
    length = max(1, min(most, value * scale))
    colour = key if key in ("relevo", "floor") else "other"
    parts = [f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{html.escape(PROGRAMS[key].title)}</text>',
             f'<rect class="{colour}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>']
    end = length
    if value * scale > most + 0.5:
        parts.append(f'<path class="cut" d="M{LEFT + most - 26} {y + BAR + 1} l8 {-BAR - 2}"/>')
    else:
        low, high = (min(most, each(values) * scale) for each in (min, max))
        end = max(length, high)
        if high - low >= 1:
            parts.append(f'<path class="spread" d="M{LEFT + low:.1f} {middle} H{LEFT + high:.1f}"/>')
    parts.append(f'<text class="figure" x="{LEFT + end + 6:.1f}" y="{y + 11}">{number(value)}</text>')
    return "".join(parts)
