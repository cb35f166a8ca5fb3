"""Medians, spreads and ratios of what was measured, and how they are written."""

import dataclasses
import math
import statistics

from .programs import PROGRAMS


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


def ratios(mine, others):
    """Round by round: what one took divided by what another took in the same round, minutes of noise left out."""
    return [my.headline / other.headline for my, other in zip(mine, others) if other.headline > 0]


@dataclasses.dataclass
class Result:
    """A row and the points of each of its setups, one for each round."""
    row: object
    points: list                    # of (setup, [point])

    def of(self, program):
        """The points of a program's first setup, the one that it is compared by; empty when it has none."""
        return next((points for setup, points in self.points if setup.program == program), [])

    def labelled(self, program, label):
        return next((points for setup, points in self.points if (setup.program, setup.label) == (program, label)), [])

    def why_not(self, program):
        return self.row.absent.get(program, "not measured")


def programs(results):
    """The keys of all that were measured, in the order of PROGRAMS."""
    there = {setup.program for result in results for setup, points in result.points if points}
    return [key for key in PROGRAMS if key in there]
