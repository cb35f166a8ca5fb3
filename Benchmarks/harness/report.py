"""Markdown out of the points."""

import math
import statistics


def median(values):
    return statistics.median(values)


def number(value):
    """Three significant digits, no exponent."""
    if math.isnan(value):
        return "?"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def spread(values):
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def summary(results):
    """One line a row: processor time per request, and Relevo's as a share of the others'."""
    rows = []
    for scenario, points in results:
        cpu = {}
        for setup, values in points:
            # The first setup of a program is the one to compare with; others are listed in the details.
            if values:
                cpu.setdefault(setup.program, median([point.cpu_us for point in values]))
        def shown(program):
            return number(cpu[program]) if program in cpu else "n/a"
        def ratio(*programs):
            others = [cpu[program] for program in programs if program in cpu]
            return f"{cpu['relevo'] / min(others):.2f}" if "relevo" in cpu and others else "n/a"
        rows.append([scenario.title, shown("relevo"), shown("nginx"), shown("haproxy"), ratio("nginx"),
                     ratio("haproxy"), ratio("nginx", "haproxy")])
    header = ["processor time per request, µs", "Relevo", "nginx", "HAProxy", "Relevo ÷ nginx",
              "Relevo ÷ HAProxy", "Relevo ÷ the better"]
    return table(header, rows)


def details(results, calls):
    rows = []
    for scenario, points in results:
        for setup, values in points:
            if not values:
                rows.append([scenario.title, setup.name, *["failed"] * 6, "?", "?"])
                continue
            def column(name, scale=1.0):
                return [getattr(point, name) * scale for point in values]
            made = calls.get((scenario.title, setup.name))
            rows.append([
                scenario.title, setup.name, spread(column("cpu_us")), spread(column("rate")),
                number(median(column("p50_ms"))), spread(column("p99_ms")),
                f"{median(column('busy', 100)):.0f} %", number(median(column("memory_mb"))),
                f"{sum(made.values()):.1f}" if made else "not traced",
                str(sum(point.failed for point in values)),
            ])
        for program, reason in scenario.absent.items():
            rows.append([scenario.title, {"haproxy": "HAProxy"}.get(program, program), f"n/a: {reason}",
                         *["n/a"] * 7])
    header = ["row", "proxy", "µs per request", "requests/s", "p50 ms", "p99 ms", "of its core", "memory MB",
              "system calls per request", "failed"]
    return table(header, rows)


def call_lines(calls):
    lines = []
    for (title, name), made in calls.items():
        listed = ", ".join(f"{call} {count:.2f}" for call, count in made.items() if count >= 0.005)
        lines.append(f"- {title}, {name}: {listed}")
    return "\n".join(lines)


def document(facts, results, calls):
    """The whole report."""
    parts = [
        "# Relevo, nginx and HAProxy before the same origins",
        table(["what", "value"], [list(fact) for fact in facts]),
        "Medians of all rounds; `Relevo ÷ nginx` below 1 means that Relevo needs less. A row's request is the "
        "same for all, and its answer was compared before it was measured.",
        summary(results),
        "## Everything that was measured",
        "Median, and in brackets the lowest and highest round. The origins and wrk share the other core: where a "
        "proxy used less than about 95 % of its own, the rate and the latencies are theirs, not the proxy's.",
        details(results, calls),
    ]
    if calls:
        parts += ["## System calls per request, by strace", call_lines(calls)]
    return "\n\n".join(parts) + "\n"
