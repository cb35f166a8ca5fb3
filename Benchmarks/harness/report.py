"""Markdown out of the points."""

from .figures import median, number, programs, ratios, spread
from .programs import PROGRAMS


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def comparison(results):
    """Relevo's share of what each of the others took, round by round."""
    others = [key for key in programs(results) if key != "relevo"]
    rows = []
    for result in results:
        shares = [ratios(result.of("relevo"), result.of(key)) for key in others]
        if any(shares):
            rows.append([titled(result), *(spread(share) if share else "n/a" for share in shares)])
    return table(["Relevo ÷", *(PROGRAMS[key].title for key in others)], rows) if rows else ""


def alternatives(results):
    """Other configurations of the same programs, which have no column."""
    lines = []
    for result in results:
        for setup, points in result.points:
            share = ratios(result.of("relevo"), points)
            compared = setup.program == "relevo" or points is result.of(setup.program) or setup.label == result.row.beside
            if share and not compared:
                lines.append(f"- {result.row.title}: Relevo ÷ {setup.name} = {spread(share)}.")
    return "\n".join(lines)


def medians(results):
    """What each of them took."""
    keys = programs(results)
    rows = [[titled(result), *(number(median([point.headline for point in result.of(key)])) if result.of(key) else "n/a"
                               for key in keys)] for result in results]
    return table(["", *(PROGRAMS[key].title for key in keys)], rows)


def titled(result):
    return f"{result.row.title}, {result.row.kind.unit}"


def absences(results):
    """Why there is no figure where there is none."""
    lines = []
    for result in results:
        for key in programs(results):
            if key in result.row.absent and not result.of(key):
                lines.append(f"- {result.row.title}, {PROGRAMS[key].title}: n/a, {result.row.absent[key]}.")
    return "\n".join(lines)


def beside_itself(results):
    """Relevo's rows that are judged by another figure of its own."""
    rows = []
    for result in results:
        beside, mine = result.row.beside, result.of("relevo")
        reference = result.labelled("relevo", beside) if beside else []
        if not mine or not reference:
            continue
        more = [my.headline - other.headline for my, other in zip(mine, reference)]
        rows.append([result.row.title, beside, spread(ratios(mine, reference)), spread(more)])
    return table(["Relevo's", "beside its own", "ratio", "more, in the row's unit"], rows) if rows else ""


def details(results):
    """A table for each kind of measurement: each setup with all that was seen beside the figure that counts."""
    kinds = {}
    for result in results:
        kinds.setdefault(tuple(shown(result)), []).append(result)
    return "\n\n".join(detail(columns, members) for columns, members in kinds.items() if columns)


def shown(result):
    """The names of the figures beside the headline."""
    return next(((result.row.kind.unit, *points[0].beside) for _, points in result.points if points), ())


def detail(columns, results):
    rows = []
    for result in results:
        for setup, points in result.points:
            beside = [number(median([point.beside[name] for point in points])) for name in columns[1:]]
            rows.append([result.row.title, setup.name, spread([point.headline for point in points]), *beside,
                         str(sum(point.failed for point in points))])
    return table(["row", "proxy", *columns, "failed"], rows)


def call_lines(calls):
    lines = []
    for (title, name), made in calls.items():
        listed = ", ".join(f"{call} {count:.2f}" for call, count in made.items() if count >= 0.005)
        lines.append(f"- {title}, {name}: {sum(made.values()):.2f} ({listed})")
    return "\n".join(lines)


def document(facts, results, calls, picture):
    """The whole report."""
    names = [PROGRAMS[key].title for key in programs(results)]
    parts = [
        f"# {', '.join(names[:-1])} and {names[-1]} before the same origins" if len(names) > 1 else f"# {names[0]}",
        table(["what", "value"], [list(fact) for fact in facts]),
        f"![The same as bars]({picture})",
        "A ratio below 1 means that Relevo needs less; it is the median of the ratios of each round, in brackets the lowest "
        "and the highest. A row's request is the same for all, and its answer was compared before it was measured. The floor is a "
        "relay of one receive and one send each way, with nothing of a proxy about it: `Benchmarks/floor`.",
        comparison(results),
        alternatives(results),
        "## Medians",
        medians(results),
        absences(results),
        "## Relevo beside itself",
        beside_itself(results) or "None of these rows was measured.",
        "## Everything that was measured",
        "Of the first figure the median, and in brackets the lowest and highest round; of the others the median. The origins "
        "and the load share the other core: where a proxy used less than about 95 % of its own, rate and latencies are "
        "theirs, not the proxy's.",
        details(results),
    ]
    if calls:
        parts += ["## System calls per request, by strace", call_lines(calls)]
    return "\n\n".join(part for part in parts if part) + "\n"
