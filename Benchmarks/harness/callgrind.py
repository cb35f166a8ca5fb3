"""What a program executes, counted by callgrind: the same whatever else the machine does."""

import collections
import dataclasses
import re

from .failure import Failure


@dataclasses.dataclass
class Profile:
    """What one run under callgrind has written."""
    instructions: collections.Counter   # function: instructions of its own
    calls: collections.Counter          # (caller, function): calls

    def less(self, other, count):
        """What `count` more requests have cost, for one of them."""
        def each(mine, others):
            return {key: (mine[key] - others[key]) / count for key in mine.keys() | others.keys()}
        return Profile(collections.Counter(each(self.instructions, other.instructions)),
                       collections.Counter(each(self.calls, other.calls)))

    def total(self):
        return sum(self.instructions.values())

    def calls_of(self, *functions):
        """Calls of any of them, but for those that they make of each other."""
        return sum(count for (caller, callee), count in self.calls.items()
                   if callee in functions and caller not in functions)


def added(profiles):
    """What several processes have executed together."""
    together = Profile(collections.Counter(), collections.Counter())
    for profile in profiles:
        together.instructions.update(profile.instructions)
        together.calls.update(profile.calls)
    return together


def read(path):
    """A file of callgrind's format: costs by line under `fn=`, calls as `cfn=` and `calls=`, names once and then by number."""
    names, profile = {}, Profile(collections.Counter(), collections.Counter())
    function = callee = totals = None
    inclusive = False

    def name(text):
        number, _, given = text.partition(" ")
        if given:
            # A recursive function is told apart by level, a doubled name by file; both are one function here.
            names[number] = re.sub(r"'\d+$", "", given)
        return names.get(number, text)

    with open(path, errors="replace") as file:
        for line in file:
            if line.startswith("fn="):
                function = name(line[3:].rstrip("\n"))
            elif line.startswith("cfn="):
                callee = name(line[4:].rstrip("\n"))
            elif line.startswith("calls="):
                profile.calls[function, callee] += int(line[6:].split()[0])
                inclusive = True
            elif line.startswith("totals:"):
                totals = int(line.split()[1])
            elif line[0] in "0123456789+-*":
                # The line after `calls=` has what the callee cost, which is counted at the callee.
                if not inclusive:
                    profile.instructions[function] += int(line.split()[1])
                inclusive = False
    if profile.total() != totals:
        raise Failure(f"{path}: the costs come to {profile.total()}, callgrind says {totals}")
    return profile
